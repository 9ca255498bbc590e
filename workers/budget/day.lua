-- A spent day: Zoho has refused a call (code 45), or its headers report no calls left, or not more than the reserve.
local AFTER_MIDNIGHT = 1000

local function is_day_refused(known)
  return known.pause_reason == 'day' and (number(known.paused_until) or 0) > now
end

-- The day's remaining calls by Zoho's headers; nil if the number is unknown or the day is over.
local function left_of_day(known)
  local resets_at = number(known.day_resets_at)
  return resets_at and resets_at > now and number(known.day_remaining) or nil
end

-- The number of the day's calls that are kept for others by a reserve.
local function kept_of_day(known, reserve)
  return math.floor((number(known.day_limit) or 0) * reserve)
end

-- The time until which calls with this reserve must wait for the next day; 0 if they may start.
local function day_waits_until(known, reserve)
  if is_day_refused(known) then return number(known.paused_until) end
  local left = left_of_day(known)
  if not left or left - under_way() > kept_of_day(known, reserve) then return 0 end
  return number(known.day_resets_at) + AFTER_MIDNIGHT
end

-- Whether the day has no calls left. Only then may a call probe, because calls within the reserve are kept, not
-- refused.
local function is_day_over(known)
  local left = left_of_day(known)
  return is_day_refused(known) or (left ~= nil and left <= 0)
end
