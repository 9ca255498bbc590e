-- Ends a call: frees its place and records the budget's facts of Zoho's response. Returns {milliseconds to pause, why};
-- {0, 'lifted'} if a probe has ended the pause of a spent day; {0, ''} if nothing changes.
local pool, call, at = pools[ARGV[8]], ARGV[9], tonumber(ARGV[10])
local refusal, verdict = ARGV[11], ARGV[12]
local retry_after = number(ARGV[17])
local limit, remaining, resets_in = number(ARGV[18]), number(ARGV[19]), number(ARGV[20])
local SAME_DAY = 3600000

local known = read_state()
if damage(known) ~= '' then known = repair(known) end
local paused_until, pauses = number(known.paused_until) or 0, number(known.pauses) or 0
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
  reply = pause_all(known, {reason = refusal, at = at, retry_after = retry_after, resets_in = resets_in})
elseif verdict == 'accepted' and pauses > 0 and at >= paused_until then
  redis.call('HDEL', state, 'pauses')
elseif is_probe and verdict == 'unauthorized' then
  -- Zoho checks the token before the limits, so the call with the next token is the probe.
  redis.call('HSET', state, 'probe_at', whole(now))
end
keep_for_a_while()
return reply
