-- The fields of `state`, by name; empty if the key has another type.
local FIELDS = {
  'server', 'paused_until', 'pause_reason', 'pause_started_at', 'pauses', 'forgotten_until', 'probe_at', 'probe_call',
  'day_limit', 'day_remaining', 'day_resets_at', 'throttles', 'asked', 'calls', 'waiting',
  'reserve', 'reserve_at',
}

local function has_type(key, kind)
  local found = redis.call('TYPE', key).ok
  return found == kind or found == 'none'
end

local function read_state()
  local known = {}
  if not has_type(state, 'hash') then return known end
  local values = redis.call('HMGET', state, unpack(FIELDS))
  for i, name in ipairs(FIELDS) do known[name] = values[i] or nil end
  return known
end
