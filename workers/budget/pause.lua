-- A refusal of Zoho (HTTP 429) pauses all workers of the organisation until a time. `refused` is the refused call:
-- reason ('minute', 'day', 'concurrency'), at (the time of its grant), retry_after and resets_in (milliseconds, or nil).
local first_pause, longest_pause, growth, steady = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])

local function milliseconds_until_midnight(known, refused)
  local day_resets_at = number(known.day_resets_at)
  if refused.resets_in then return refused.resets_in + AFTER_MIDNIGHT end
  if day_resets_at and day_resets_at > now then return day_resets_at - now + AFTER_MIDNIGHT end
  return is_day_refused(known) and number(known.paused_until) - now or first_pause
end

-- A call that is made after a pause and refused again shows that the block lasts longer than the pause. The first such
-- refusals do not lengthen the pause, because most blocks end with the window.
local function pause_length(known, refused, pauses)
  local retry_after = refused.retry_after
  if refused.reason == 'day' then return math.max(milliseconds_until_midnight(known, refused), retry_after or 0) end
  local grown = math.max(0, pauses - steady)
  local length = math.min(longest_pause, math.floor(first_pause * growth ^ grown))
  if not retry_after then return length end
  -- Zoho's Retry-After is used at first, but never shortens a pause that had to grow.
  return grown == 0 and retry_after or math.max(length, retry_after)
end

-- Returns {milliseconds to pause, why}.
local function pause_all(known, refused)
  redis.call('HSET', state, 'throttles', whole((number(known.throttles) or 0) + 1))
  local paused_until, pauses = number(known.paused_until) or 0, number(known.pauses) or 0
  -- A pause that starts in the future means that the clock was set back.
  local pause_started_at = number(known.pause_started_at) or 0
  if pause_started_at > now then pause_started_at = 0 end
  -- Refusals of calls that were under way when the pause began belong to this pause, however late they arrive.
  local is_late = refused.at <= pause_started_at
  if is_late and refused.reason == known.pause_reason and not refused.retry_after then
    return {math.max(0, paused_until - now), refused.reason}
  end
  if not is_late then
    pauses = pauses + 1
    redis.call('HSET', state, 'pauses', whole(pauses), 'pause_started_at', whole(now))
  end
  local length = pause_length(known, refused, pauses)
  if refused.reason == 'day' then
    redis.call('HSET', state, 'probe_at', whole(now + math.max(probe_interval, refused.retry_after or 0)))
  end
  if now + length <= paused_until then return {paused_until - now, known.pause_reason} end
  redis.call('HSET', state, 'paused_until', whole(now + length), 'pause_reason', refused.reason)
  return {length, refused.reason}
end
