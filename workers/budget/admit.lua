-- Decides whether this holder may call now. Returns {'granted' or 'probe', time, pool}, {'wait', milliseconds, reason}
-- or {'forgotten', 0, why}. A holder that has to wait keeps its place in the queue for its next request.
local lane, call, holder = ARGV[8], ARGV[9], ARGV[10]
local concurrency, day_reserve, grace, poll = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local CALL_ID_LENGTH = 32
-- The wait of other holders while a probe is under way.
local PROBE_POLL = 10000

local known = read_state()
local why = damage(known)
if why ~= '' then return {'forgotten', 0, why} end
if known.server ~= server() then return {'forgotten', 0, ''} end

local function leave_queues()
  redis.call('ZREM', pools.shared.queue, holder)
  redis.call('ZREM', pools.reserved.queue, holder)
  redis.call('ZREM', tickets, holder)
end

local function drop_dead_holders()
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', tickets, '-inf', now)) do
    redis.call('ZREM', pools.shared.queue, dead)
    redis.call('ZREM', pools.reserved.queue, dead)
    redis.call('ZREM', tickets, dead)
  end
end

-- Looks for the holder's earlier call. For the same call, the reply with its grant was lost and the client has repeated
-- the request. For another call, its process has ended, because a holder makes one call at a time.
local function granted_before(pool)
  local calls = redis.call('ZRANGE', pool.leases, 0, -1, 'WITHSCORES')
  for i = 1, #calls, 2 do
    if calls[i] == call then return tonumber(calls[i + 1]) - lease end
    if string.sub(calls[i], CALL_ID_LENGTH + 2) == holder then
      redis.call('ZREM', pool.leases, calls[i])
      count_call(pool, calls[i], now + 1)
    end
  end
end

-- The time at which the holder behind `ahead` others may call. Each counted call frees its slot one span after it, and
-- the slot is free again one span after the next call in it.
local function score_at(key, index)
  return tonumber(redis.call('ZRANGE', key, index, index, 'WITHSCORES')[2])
end

local function slot_of(pool, ahead, start)
  local rounds, place = math.floor(ahead / pool.size), ahead % pool.size
  local over, busy = redis.call('ZCARD', pool.used), redis.call('ZCARD', pool.leases)
  local first = start
  local freeing = place - (pool.size - over - busy)
  if freeing >= over then
    -- Frees the slot of a call that is still under way, as if it ended now.
    local counts_from = math.max(score_at(pool.leases, freeing - over) - lease, now - margin)
    first = math.max(start, counts_from + span)
  elseif freeing >= 0 then
    first = math.max(start, score_at(pool.used, freeing) + span)
  end
  return first + rounds * span
end

local function grant(pool, verdict)
  leave_queues()
  redis.call('ZADD', pool.leases, now + lease, call)
  keep_for_a_while()
  return {verdict, now, pool.name}
end

local function wait_for(milliseconds, reason)
  keep_for_a_while()
  return {'wait', milliseconds, reason}
end

for _, pool in pairs(pools) do tidy(pool) end
drop_dead_holders()
for _, pool in pairs(pools) do
  local at = granted_before(pool)
  if at then
    keep_for_a_while()
    return {known.probe_call == call and 'probe' or 'granted', at, pool.name}
  end
end

-- The webhook and interactive lanes use the queue that is quicker now; if both are equal, the reserved one.
local open = {pools.shared}
if lane ~= 'bulk' and pools.reserved.size > 0 then open = {pools.reserved, pools.shared} end
local function quickest(start)
  local best, slot
  for _, pool in ipairs(open) do
    local ahead = redis.call('ZRANK', pool.queue, holder) or redis.call('ZCARD', pool.queue)
    local earliest = slot_of(pool, ahead, start)
    if not slot or earliest < slot then best, slot = pool, earliest end
  end
  return best, slot
end

local function is_probe_under_way()
  local probe = known.probe_call or ''
  return redis.call('ZSCORE', pools.shared.leases, probe) or redis.call('ZSCORE', pools.reserved.leases, probe)
end

local forgotten_until = number(known.forgotten_until) or 0
local day_until = day_waits_until(known, day_reserve)
if day_until > now then
  leave_queues()
  if not is_day_over(known) then return wait_for(day_until - now, 'day') end
  -- One call at a time probes whether the day is over: Zoho's plan may have changed, or its refusal may have been
  -- wrong.
  if is_probe_under_way() then return wait_for(math.min(PROBE_POLL, day_until - now), 'day') end
  local pool, slot = quickest(math.max(now, forgotten_until, number(known.probe_at) or 0))
  if slot > now then return wait_for(math.min(slot, day_until) - now, 'day') end
  redis.call('HSET', state, 'probe_at', whole(now + probe_interval), 'probe_call', call)
  return grant(pool, 'probe')
end

local start = math.max(now, forgotten_until, number(known.paused_until) or 0)
local best, slot = quickest(start)
local wait, reason
if slot > now then
  wait, reason = slot - now, start > now and 'paused' or 'minute'
elseif under_way() >= concurrency then
  wait, reason = poll, 'concurrency'
else
  return grant(best, 'granted')
end

for _, pool in pairs(pools) do
  if pool ~= best then redis.call('ZREM', pool.queue, holder) end
end
local asked = (number(known.asked) or 0) + 1
redis.call('HSET', state, 'asked', whole(asked))
redis.call('ZADD', best.queue, 'NX', asked, holder)
redis.call('ZADD', tickets, now + wait + grace, holder)
return wait_for(wait, reason)
