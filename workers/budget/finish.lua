-- Ends a call: frees its place and records the budget's facts of Zoho's response. Returns {milliseconds to pause, why};
-- {0, 'lifted'} if a probe has ended the pause of a spent day; {0, ''} if nothing changes.
local pool, call, at = pools[ARGV[8]], ARGV[9], tonumber(ARGV[10])
local refusal, verdict = ARGV[11], ARGV[12]
local first_pause, longest_pause, growth, steady = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local retry_after = number(ARGV[17])
local limit, remaining, resets_in = number(ARGV[18]), number(ARGV[19]), number(ARGV[20])
local SAME_DAY = 3600000

local known = read_state()
if damage(known) ~= '' then known = repair(known) end
local paused_until, pauses = number(known.paused_until) or 0, number(known.pauses) or 0
-- A pause that starts in the future means that the clock was set back.
local pause_started_at = number(known.pause_started_at) or 0
if pause_started_at > now then pause_started_at = 0 end
local is_probe = known.probe_call == call
local is_lifted = is_probe and verdict == 'accepted' and is_day_over(known)

-- Responses overtake each other. Within one day the number of remaining calls only shrinks, unless the plan changed,
-- and a response for the day before is dropped. A response without the end of its day belongs to the known day,
-- otherwise it counts for an hour. A probe cannot be older than the known facts, so its response replaces them.
local function take_in_day()
  local day_limit, day_remaining, day_resets_at = number(known.day_limit), number(known.day_remaining), number(known.day_resets_at)
  local live = day_resets_at and day_resets_at > now
  local resets_at = resets_in and now + resets_in or (live and day_resets_at or now + SAME_DAY)
  if live and resets_at < day_resets_at - SAME_DAY then return end
  local same_day = live and resets_at <= day_resets_at + SAME_DAY
  local same_plan = not (limit and day_limit and limit ~= day_limit)
  if same_day and same_plan and day_remaining and not is_lifted then remaining = math.min(remaining, day_remaining) end
  local was_spent = live and day_remaining and day_remaining <= 0
  if remaining <= 0 and (is_lifted or not was_spent) then
    redis.call('HSET', state, 'probe_at', whole(now + probe_interval))
  end
  redis.call('HSET', state, 'day_remaining', whole(remaining), 'day_resets_at', whole(resets_at))
  if limit then redis.call('HSET', state, 'day_limit', whole(limit)) end
end

local function milliseconds_until_midnight()
  local day_resets_at = number(known.day_resets_at)
  if resets_in then return resets_in + AFTER_MIDNIGHT end
  if day_resets_at and day_resets_at > now then return day_resets_at - now + AFTER_MIDNIGHT end
  return is_day_refused(known) and paused_until - now or first_pause
end

-- A call that is made after a pause and refused again shows that the block lasts longer than the pause. The first such
-- refusals do not lengthen the pause, because most blocks end with the window.
local function pause_length()
  if refusal == 'day' then return math.max(milliseconds_until_midnight(), retry_after or 0) end
  local grown = math.max(0, pauses - steady)
  local length = math.min(longest_pause, math.floor(first_pause * growth ^ grown))
  if not retry_after then return length end
  -- Zoho's Retry-After is used at first, but never shortens a pause that had to grow.
  return grown == 0 and retry_after or math.max(length, retry_after)
end

local function pause()
  redis.call('HSET', state, 'throttles', whole((number(known.throttles) or 0) + 1))
  -- Refusals of calls that were under way when the pause began belong to this pause, however late they arrive.
  local is_late = at <= pause_started_at
  if is_late and refusal == known.pause_reason and not retry_after then
    return {math.max(0, paused_until - now), refusal}
  end
  if not is_late then
    pauses = pauses + 1
    redis.call('HSET', state, 'pauses', whole(pauses), 'pause_started_at', whole(now))
  end
  local length = pause_length()
  if refusal == 'day' then
    redis.call('HSET', state, 'probe_at', whole(now + math.max(probe_interval, retry_after or 0)))
  end
  if now + length <= paused_until then return {paused_until - now, known.pause_reason} end
  redis.call('HSET', state, 'paused_until', whole(now + length), 'pause_reason', refusal)
  return {length, refusal}
end

local function lift()
  redis.call('HDEL', state, 'paused_until', 'pauses', 'probe_at', 'probe_call', 'day_remaining', 'day_resets_at')
  return {0, 'lifted'}
end

redis.call('ZREM', pool.leases, call)
count_call(pool, call, math.max(at + margin, now + 1))
local reply = {0, ''}
if is_lifted then reply = lift() end
if remaining then take_in_day() end
if refusal ~= '' then
  reply = pause()
elseif verdict == 'accepted' and pauses > 0 and at >= paused_until then
  redis.call('HDEL', state, 'pauses')
elseif is_probe and verdict == 'unauthorized' then
  -- Zoho checks the token before the limits, so the call with the next token is the probe.
  redis.call('HSET', state, 'probe_at', whole(now))
end
keep_for_a_while()
return reply
