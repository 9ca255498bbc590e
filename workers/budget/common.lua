-- The beginning of every script: the keys, the limits, Redis's own clock (ms), and the removal of expired entries.
--
-- A window's slots are two pools, each an exact limiter of its own. `shared` serves all lanes in order of request,
-- `reserved` the interactive and webhook lanes; bulk calls borrow its slots beyond the reserve. A pool has a queue (holders in order of request), leases (calls
-- under way, by the latest time of their end) and used slots (finished calls, by the time from which they count).
local state, tickets = KEYS[1], KEYS[2]
local pools = {
  shared = {name = 'shared', queue = KEYS[3], leases = KEYS[4], used = KEYS[5], size = tonumber(ARGV[1])},
  reserved = {name = 'reserved', queue = KEYS[6], leases = KEYS[7], used = KEYS[8], size = tonumber(ARGV[2])},
}
local calls = {KEYS[4], KEYS[5], KEYS[7], KEYS[8]}
local waiting = {KEYS[2], KEYS[3], KEYS[6]}
local span, margin = tonumber(ARGV[3]), tonumber(ARGV[4])
local lease, keep = tonumber(ARGV[5]), tonumber(ARGV[6])
-- The longest time for which one call may probe whether a spent day is over, and the interval of probes.
local probe_interval = tonumber(ARGV[7])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The identity of this Redis. After a restart or a failover the last seconds may be lost, so the identity changes.
local function server()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unnamed'
end

local function number(text)
  return text and tonumber(text) or nil
end

-- A whole number as text, because Redis would write a large number with an exponent.
local function whole(value)
  return string.format('%.0f', value)
end

-- A finished call counts from the latest time at which Zoho can have received it, minus the margin.
local function count_call(pool, call, seen_by)
  redis.call('ZADD', pool.used, seen_by - margin, call)
end

-- A time in the future means that the clock was set back. It is moved to `latest`; otherwise it would block for the
-- whole difference.
local function pull_back(key, latest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. whole(latest), '+inf')) do
    redis.call('ZADD', key, latest, member)
  end
end

local function tidy(pool)
  pull_back(pool.used, now)
  pull_back(pool.leases, now + lease)
  -- The holder's process ended during its call, and the call may have arrived as late as the end of its lease.
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
