-- The beginning of every script: the keys, the limits, Redis's own clock (ms), and the tidying of what has passed.
--
-- A window's slots are two pools, each an exact limiter of its own: `shared` serves both lanes in order of asking,
-- `reserved` the interactive lane only. A pool knows its queue (holders, by order of asking), its leases (calls
-- under way, by the time at which they must be over) and its used slots (calls over, by the time they count from).
local state, tickets = KEYS[1], KEYS[2]
local pools = {
  shared = {name = 'shared', queue = KEYS[3], leases = KEYS[4], used = KEYS[5], size = tonumber(ARGV[1])},
  reserved = {name = 'reserved', queue = KEYS[6], leases = KEYS[7], used = KEYS[8], size = tonumber(ARGV[2])},
}
local calls = {KEYS[4], KEYS[5], KEYS[7], KEYS[8]}
local waiting = {KEYS[2], KEYS[3], KEYS[6]}
local span, margin = tonumber(ARGV[3]), tonumber(ARGV[4])
local lease, keep = tonumber(ARGV[5]), tonumber(ARGV[6])
-- How long one call may try whether a spent day is over, and how often.
local probe_interval = tonumber(ARGV[7])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Which Redis this is: one that was restarted or failed over may have lost the last seconds, so it is a new one.
local function server()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unnamed'
end

local function number(text)
  return text and tonumber(text) or nil
end

-- A whole number as text: Redis would write a large one with an exponent.
local function whole(value)
  return string.format('%.0f', value)
end

-- A call that is over counts from the latest time at which Zoho can have seen it, less what the margin absorbs.
local function count_call(pool, call, seen_by)
  redis.call('ZADD', pool.used, seen_by - margin, call)
end

-- A mark in the future means that the clock was set back: it counts from now, or it would block for the whole step.
local function pull_back(key, latest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. whole(latest), '+inf')) do
    redis.call('ZADD', key, latest, member)
  end
end

local function tidy(pool)
  pull_back(pool.used, now)
  pull_back(pool.leases, now + lease)
  -- The holder died in its call, which may have arrived as late as the lease's end.
  local over = redis.call('ZRANGEBYSCORE', pool.leases, '-inf', now, 'WITHSCORES')
  for i = 1, #over, 2 do
    redis.call('ZREM', pool.leases, over[i])
    count_call(pool, over[i], tonumber(over[i + 1]) + 1)
  end
  redis.call('ZREMRANGEBYSCORE', pool.used, '-inf', now - span)
end

local function under_way()
  return redis.call('ZCARD', pools.shared.leases) + redis.call('ZCARD', pools.reserved.leases)
end
