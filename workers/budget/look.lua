-- What the budget knows, as it stands; writes nothing, so what has passed is left out rather than tidied away.
local function counting(pool)
  local calls_over = redis.call('ZCOUNT', pool.used, '(' .. string.format('%.0f', now - span), '+inf')
  return calls_over + redis.call('ZCARD', pool.leases)
end

local function milliseconds_until(time)
  return time and math.max(0, time - now) or 0
end

local known = redis.call('HMGET', state, 'paused_until', 'pause_reason', 'day_limit', 'day_remaining', 'day_resets_at', 'throttles')
local day_left = milliseconds_until(number(known[5]))
return {
  counting(pools.shared) + counting(pools.reserved),
  under_way(),
  redis.call('ZCOUNT', tickets, '(' .. string.format('%.0f', now), '+inf'),
  milliseconds_until(number(known[1])),
  known[2] or '',
  known[3] or '',
  day_left > 0 and known[4] or '',
  day_left,
  number(known[6]) or 0,
}
