-- Reads the state of the budget. It writes nothing, so expired entries are ignored instead of removed.
local day_reserve, least_reserve = tonumber(ARGV[8]), tonumber(ARGV[9])
local known = read_state()
if damage(known) ~= '' then return {0, 0, 0, 0, '', '', '', 0, 0, 0, 0, -1, least_reserve} end

local function counting(pool)
  local calls_over = redis.call('ZCOUNT', pool.used, '(' .. whole(now - span), '+inf')
  return calls_over + redis.call('ZCARD', pool.leases)
end

local function milliseconds_until(time)
  return time and math.max(0, time - now) or 0
end

local paused, why = milliseconds_until(number(known.paused_until)), known.pause_reason or ''
local forgotten = milliseconds_until(number(known.forgotten_until))
if forgotten > paused then paused, why = forgotten, 'forgotten' end
local left = left_of_day(known)
-- Zoho's refusal overrides earlier headers.
if is_day_refused(known) then left = math.min(left or 0, 0) end
return {
  counting(pools.shared) + counting(pools.reserved),
  under_way(),
  redis.call('ZCOUNT', tickets, '(' .. whole(now), '+inf'),
  paused,
  why,
  known.day_limit or '',
  left or '',
  milliseconds_until(number(known.day_resets_at)),
  number(known.throttles) or 0,
  milliseconds_until(day_waits_until(known, day_reserve)),
  kept_of_day(known, day_reserve),
  is_day_over(known) and milliseconds_until(number(known.probe_at)) or -1,
  present_reserve(known, least_reserve),
}
