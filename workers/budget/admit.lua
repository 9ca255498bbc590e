-- May this holder call now? {'granted', time, pool}, {'wait', milliseconds, reason} or {'forgotten', 0, ''}.
-- One that has to wait keeps its place in the queue, and finds it again when it asks as the same holder.
local lane, call, holder = ARGV[7], ARGV[8], ARGV[9]
local concurrency, day_reserve, grace, poll = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local CALL_ID_LENGTH = 32
local AFTER_MIDNIGHT = 1000

local known = redis.call('HMGET', state, 'server', 'paused_until', 'pause_reason', 'day_limit', 'day_remaining', 'day_resets_at')
if known[1] ~= server() then return {'forgotten', 0, ''} end

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

-- The holder's earlier call. The same call: its grant's reply was lost, and the client asked again. Another one: its
-- process died, for one holder makes one call at a time.
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

-- When the one with `ahead` holders before it may call: each call that counts frees its slot one span after it, and
-- frees it again one span after the holder who takes it then.
local function score_at(key, index)
  return tonumber(redis.call('ZRANGE', key, index, index, 'WITHSCORES')[2])
end

local function slot_of(pool, ahead, start)
  local rounds, place = math.floor(ahead / pool.size), ahead % pool.size
  local over, busy = redis.call('ZCARD', pool.used), redis.call('ZCARD', pool.leases)
  local first = start
  local freeing = place - (pool.size - over - busy)
  if freeing >= over then
    -- Frees the slot of a call that is still under way: as if it ended now.
    local counts_from = math.max(score_at(pool.leases, freeing - over) - lease, now - margin)
    first = math.max(start, counts_from + span)
  elseif freeing >= 0 then
    first = math.max(start, score_at(pool.used, freeing) + span)
  end
  return first + rounds * span
end

for _, pool in pairs(pools) do tidy(pool) end
drop_dead_holders()
for _, pool in pairs(pools) do
  local at = granted_before(pool)
  if at then return {'granted', at, pool.name} end
end

local remaining, resets_at = number(known[5]), number(known[6])
if remaining and resets_at > now and remaining - under_way() <= math.floor((number(known[4]) or 0) * day_reserve) then
  leave_queues()
  return {'wait', resets_at - now + AFTER_MIDNIGHT, 'day'}
end

-- A lane that is not bulk stands in whichever queue is quicker now; with both alike it spares the shared one.
local open = {pools.shared}
if lane ~= 'bulk' and pools.reserved.size > 0 then open = {pools.reserved, pools.shared} end
local start = math.max(now, number(known[2]) or 0)
local best, slot
for _, pool in ipairs(open) do
  local ahead = redis.call('ZRANK', pool.queue, holder) or redis.call('ZCARD', pool.queue)
  local earliest = slot_of(pool, ahead, start)
  if not slot or earliest < slot then best, slot = pool, earliest end
end

local wait, reason
if slot > now then
  wait, reason = slot - now, 'minute'
  if start > now then reason = known[3] == 'day' and 'day' or 'paused' end
elseif under_way() >= concurrency then
  wait, reason = poll, 'concurrency'
else
  leave_queues()
  redis.call('ZADD', best.leases, now + lease, call)
  keep_for_a_while()
  return {'granted', now, best.name}
end

for _, pool in pairs(pools) do
  if pool ~= best then redis.call('ZREM', pool.queue, holder) end
end
redis.call('ZADD', best.queue, 'NX', redis.call('HINCRBY', state, 'asked', 1), holder)
redis.call('ZADD', tickets, now + wait + grace, holder)
keep_for_a_while()
return {'wait', wait, reason}
