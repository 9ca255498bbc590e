-- A call is over: frees its place and takes in what Zoho answered. {milliseconds to pause, why}, 0 where nobody has to.
local pool, call, at = pools[ARGV[7]], ARGV[8], tonumber(ARGV[9])
local refusal, accepted = ARGV[10], ARGV[11] == '1'
local first_pause, longest_pause, retry_after = tonumber(ARGV[12]), tonumber(ARGV[13]), number(ARGV[14])
local limit, remaining, resets_in = number(ARGV[15]), number(ARGV[16]), number(ARGV[17])
local SAME_DAY = 3600000

local known = redis.call('HMGET', state, 'paused_until', 'pause_reason', 'pause_started_at', 'pauses', 'day_limit', 'day_remaining', 'day_resets_at')
local paused_until, pause_started_at, pauses = number(known[1]) or 0, number(known[3]) or 0, number(known[4]) or 0

-- Answers overtake each other. Within one day what is left only shrinks, unless the plan changed; an answer for the
-- day before is dropped. One that does not say when the day ends belongs to the day known, else counts for an hour.
local function take_in_day()
  local day_limit, day_remaining, day_resets_at = number(known[5]), number(known[6]), number(known[7])
  local live = day_resets_at and day_resets_at > now
  local resets_at = resets_in and now + resets_in or (live and day_resets_at or now + SAME_DAY)
  if live and resets_at < day_resets_at - SAME_DAY then return end
  local same_day = live and resets_at <= day_resets_at + SAME_DAY
  local same_plan = not (limit and day_limit and limit ~= day_limit)
  if same_day and same_plan and day_remaining then remaining = math.min(remaining, day_remaining) end
  redis.call('HSET', state, 'day_remaining', remaining, 'day_resets_at', resets_at)
  if limit then redis.call('HSET', state, 'day_limit', limit) end
end

local function milliseconds_until_midnight()
  local day_resets_at = number(known[7])
  if resets_in then return resets_in + 1000 end
  return day_resets_at and day_resets_at > now and day_resets_at - now + 1000 or first_pause
end

-- Refusals of calls that were under way when the pause began belong to it; only a call made after it makes it grow.
local function pause()
  redis.call('HINCRBY', state, 'throttles', 1)
  if at > pause_started_at then
    pauses = pauses + 1
    redis.call('HSET', state, 'pauses', pauses, 'pause_started_at', now)
  end
  local length = math.min(longest_pause, first_pause * 2 ^ (math.max(pauses, 1) - 1))
  if refusal == 'day' then length = milliseconds_until_midnight() end
  -- Zoho's own word is taken at first, and never shortens a pause that had to grow.
  if retry_after then length = (pauses <= 1 and refusal ~= 'day') and retry_after or math.max(length, retry_after) end
  if now + length > paused_until then
    paused_until = now + length
    redis.call('HSET', state, 'paused_until', paused_until, 'pause_reason', refusal)
    return {length, refusal}
  end
  return {paused_until - now, known[2]}
end

redis.call('ZREM', pool.leases, call)
count_call(pool, call, math.max(at + margin, now + 1))
if remaining then take_in_day() end
local answer = {0, ''}
if refusal ~= '' then
  answer = pause()
elseif accepted and pauses > 0 and at >= paused_until then
  redis.call('HDEL', state, 'pauses')
end
keep_for_a_while()
return answer
