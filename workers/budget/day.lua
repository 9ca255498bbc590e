-- A spent day. Zoho has refused a call (code 45), or its headers say that nothing is left, or no more than the reserve.
local AFTER_MIDNIGHT = 1000

local function is_day_refused(known)
  return known.pause_reason == 'day' and (number(known.paused_until) or 0) > now
end

-- What Zoho's headers say is left of the day; nil where that is unknown, or of a day that is over.
local function left_of_day(known)
  local resets_at = number(known.day_resets_at)
  return resets_at and resets_at > now and number(known.day_remaining) or nil
end

-- How many of the day's calls stay for others where such a share is reserved.
local function kept_of_day(known, reserve)
  return math.floor((number(known.day_limit) or 0) * reserve)
end

-- Until when calls that leave such a share of the day's calls wait for the next day; 0 where they need not.
local function day_waits_until(known, reserve)
  if is_day_refused(known) then return number(known.paused_until) end
  local left = left_of_day(known)
  if not left or left - under_way() > kept_of_day(known, reserve) then return 0 end
  return number(known.day_resets_at) + AFTER_MIDNIGHT
end

-- Whether nothing is left for anybody. Only then may one call probe: calls within the reserve are not refused, only kept.
local function is_day_over(known)
  local left = left_of_day(known)
  return is_day_refused(known) or (left ~= nil and left <= 0)
end
