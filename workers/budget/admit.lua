-- Decides whether this holder may call now. Returns {'granted' or 'probe', time, pool}, {'wait', milliseconds, reason}
-- or {'forgotten', 0, why}, or {'ahead', 0, ''}: the clock may have been set forward. A holder that has to wait keeps its place in the queue for its next request.
local lane, call, holder = ARGV[8], ARGV[9], ARGV[10]
local concurrency, day_reserve, grace, poll = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local least_reserve = tonumber(ARGV[15])
-- The latest time that it can be now, as this process knows from its last call; 0 if it has made none recently.
local latest = tonumber(ARGV[16])
local CALL_ID_LENGTH = 32
-- Added to the score of a holder at the front of the shared queue, so that it is below zero.
local FRONT = -1e12
-- The wait of other holders while a probe is under way.
local PROBE_POLL = 10000

-- By a clock that was set forward, the calls of the last minute would seem older than they are.
if latest > 0 and now > latest then return {'ahead', 0, ''} end

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

-- Slots that a lane may use: their number, the pool of the next grant, the queue for them, the number of holders ahead,
-- and the calls in them. `also` has the ends of the calls in borrowed slots.
local function slots_of(pool, is_front)
  local queued = is_front and count_front() or redis.call('ZCARD', pool.queue)
  return {
    pool = pool, size = pool.size, queue = pool.queue, is_front = is_front,
    ahead = redis.call('ZRANK', pool.queue, holder) or queued,
    leases = {key = pool.leases, also = {}}, used = {key = pool.used, also = {}},
  }
end

local function scores_of_bulk(key)
  local entries, found = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), {}
  for i = 1, #entries, 2 do
    if is_bulk(entries[i]) then table.insert(found, tonumber(entries[i + 1])) end
  end
  return found
end

-- The slots of bulk calls: the shared pool, and as many slots of the reserved pool as its other calls and the reserve
-- leave.
local function slots_of_bulk()
  local slots, reserved = slots_of(pools.shared), pools.reserved
  if reserved.size == 0 then return slots end
  slots.leases.also, slots.used.also = scores_of_bulk(reserved.leases), scores_of_bulk(reserved.used)
  local borrowed = #slots.leases.also + #slots.used.also
  local calls_in = redis.call('ZCARD', reserved.leases) + redis.call('ZCARD', reserved.used)
  local needed = calls_in - borrowed + redis.call('ZCARD', reserved.queue)
  local most = math.max(0, reserved.size - math.max(needed, present_reserve(known, least_reserve)))
  slots.size = slots.size + most
  local shared_calls = redis.call('ZCARD', pools.shared.leases) + redis.call('ZCARD', pools.shared.used)
  if shared_calls >= pools.shared.size then slots.pool = reserved end
  return slots
end

local function count(calls)
  return redis.call('ZCARD', calls.key) + #calls.also
end

-- The index-th score from the lowest, counted from 0.
local function score_at(calls, index)
  local first = #calls.also == 0 and index or 0
  local entries, scores = redis.call('ZRANGE', calls.key, first, index, 'WITHSCORES'), {}
  for i = 2, #entries, 2 do table.insert(scores, tonumber(entries[i])) end
  for _, score in ipairs(calls.also) do table.insert(scores, score) end
  table.sort(scores)
  return scores[index - first + 1]
end

-- The time at which the holder may call. Each counted call frees its slot one span after it, and the slot is free again
-- one span after the next call in it.
local function slot_of(slots, start)
  local rounds, place = math.floor(slots.ahead / slots.size), slots.ahead % slots.size
  local over, busy = count(slots.used), count(slots.leases)
  local first = start
  local freeing = place - (slots.size - over - busy)
  if freeing >= over then
    -- Frees the slot of a call that is still under way, as if it ended now.
    local counts_from = math.max(score_at(slots.leases, freeing - over) - lease, now - margin)
    first = math.max(start, counts_from + span)
  elseif freeing >= 0 then
    first = math.max(start, score_at(slots.used, freeing) + span)
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

-- The webhook and interactive lanes use the queue that is quicker now; if both are equal, the reserved one. Within the
-- largest reserve they go to the front of the shared queue, because bulk calls may have borrowed their slots. A holder
-- that has waited there uses a shared slot, so that the reserved ones are free for the next calls.
local demand = lane ~= 'bulk' and pools.reserved.size > 0 and demand_with(holder)
local open
if lane == 'bulk' then
  open = {slots_of_bulk()}
elseif not demand then
  open = {slots_of(pools.shared)}
else
  local reserved, shared = slots_of(pools.reserved), slots_of(pools.shared, demand <= pools.reserved.size)
  open = is_in_front(holder) and {shared, reserved} or {reserved, shared}
end
local function quickest(start)
  local best, slot
  for _, slots in ipairs(open) do
    local earliest = slot_of(slots, start)
    if not slot or earliest < slot then best, slot = slots, earliest end
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
  local best, slot = quickest(math.max(now, forgotten_until, number(known.probe_at) or 0))
  if slot > now then return wait_for(math.min(slot, day_until) - now, 'day') end
  redis.call('HSET', state, 'probe_at', whole(now + probe_interval), 'probe_call', call)
  return grant(best.pool, 'probe')
end

if demand then raise_reserve(known, least_reserve, demand) end
-- One place is left to the other lanes already; a burst of them gets the places that become free.
if lane == 'bulk' then concurrency = concurrency - math.max(0, count_ready() - 1) end
local start = math.max(now, forgotten_until, number(known.paused_until) or 0)
local best, slot = quickest(start)
local wait, reason
if slot > now then
  wait, reason = slot - now, start > now and 'paused' or 'minute'
elseif under_way() >= concurrency then
  wait, reason = poll, 'concurrency'
else
  return grant(best.pool, 'granted')
end

for _, pool in pairs(pools) do
  if pool.queue ~= best.queue then redis.call('ZREM', pool.queue, holder) end
end
local asked = (number(known.asked) or 0) + 1
redis.call('HSET', state, 'asked', whole(asked))
redis.call('ZADD', best.queue, 'NX', whole(asked + (best.is_front and FRONT or 0)), holder)
redis.call('ZADD', tickets, now + wait + grace, holder)
return wait_for(wait, reason)
