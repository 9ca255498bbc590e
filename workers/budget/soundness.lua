-- Checks whether the memory can be relied on, because Redis evicts single keys and people write into keys.
--
-- `state` has the numbers of calls and of waiting holders in the other keys. Other numbers mean that the keys have lost
-- entries, or that entries were added by hand. Without the lost calls the limiter would admit too many calls.
local LONGEST_PAUSE = 26 * 3600 * 1000
local MOST_DIGITS = 15
local REASONS = {minute = true, day = true, concurrency = true}
-- Each number of `state` with its latest possible time; 0 for a number that is not a time.
local NUMBERS = {
  {'paused_until', now + LONGEST_PAUSE}, {'probe_at', now + LONGEST_PAUSE}, {'day_resets_at', now + LONGEST_PAUSE},
  {'forgotten_until', now + span + 1000}, {'pause_started_at', now + LONGEST_PAUSE},
  {'pauses', 0}, {'throttles', 0}, {'asked', 0}, {'day_limit', 0}, {'day_remaining', 0},
  {'reserve', 0}, {'reserve_at', 0},
}

local function sizes(keys)
  local found = {}
  for i, key in ipairs(keys) do found[i] = redis.call('ZCARD', key) end
  return table.concat(found, ' ')
end

local function is_whole(text)
  return #text <= MOST_DIGITS and string.match(text, '^%-?%d+$') ~= nil
end

-- The fields of `state` that booksync cannot have written.
local function impossible_fields(known)
  local found = {}
  for _, field in ipairs(NUMBERS) do
    local name, latest = field[1], field[2]
    local text = known[name]
    if text and not (is_whole(text) and (latest == 0 or tonumber(text) <= latest)) then table.insert(found, name) end
  end
  if known.pause_reason and not REASONS[known.pause_reason] then table.insert(found, 'pause_reason') end
  return found
end

-- A description of the damage for the log; '' without damage.
local function damage(known)
  if not has_type(state, 'hash') then return 'the state has another type' end
  for i = 2, #KEYS do
    if not has_type(KEYS[i], 'zset') then return 'a list of calls has another type' end
  end
  local impossible = impossible_fields(known)
  if #impossible > 0 then return 'impossible ' .. table.concat(impossible, ', ') end
  if not known.calls then return known.server and 'the number of calls is missing' or '' end
  if known.calls ~= sizes(calls) then return 'calls are missing, or were added' end
  if known.waiting ~= sizes(waiting) then return 'waiting holders are missing, or were added' end
  return ''
end

-- More calls than slots are forged, and may never end. Fewer calls are kept, because they may be real.
local function drop_forged_calls(pool)
  if redis.call('ZCARD', pool.leases) + redis.call('ZCARD', pool.used) <= pool.size then return end
  redis.call('UNLINK', pool.leases, pool.used)
end

-- Deletes the damaged parts and returns the remaining state. The server's identity is deleted too, so that the earlier
-- calls are waited out.
local function repair(known)
  if not has_type(state, 'hash') then redis.call('DEL', state) end
  for i = 2, #KEYS do
    if not has_type(KEYS[i], 'zset') then redis.call('DEL', KEYS[i]) end
  end
  for _, name in ipairs(impossible_fields(known)) do redis.call('HDEL', state, name) end
  for _, pool in pairs(pools) do drop_forged_calls(pool) end
  -- A holder without a ticket would block the queue; after the deletion each holder requests again.
  if known.waiting ~= sizes(waiting) then redis.call('UNLINK', unpack(waiting)) end
  redis.call('HDEL', state, 'server')
  return read_state()
end

-- The end of every script that writes: records the sizes and renews the expiry of the keys.
local function keep_for_a_while()
  redis.call('HSET', state, 'calls', sizes(calls), 'waiting', sizes(waiting))
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, keep)
  end
end
