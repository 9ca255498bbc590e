-- A person lifts the pause. Returns {milliseconds that were left, why, wait for forgotten calls}. The facts about the
-- day from Zoho's headers are deleted too. The wait for forgotten calls stays, because without it a window could
-- contain more calls than the limit.
local known = read_state()
if damage(known) ~= '' then known = repair(known) end
local paused = math.max(0, (number(known.paused_until) or 0) - now)
local why = known.pause_reason or ''
local spent_until = day_waits_until(known, tonumber(ARGV[8]))
if spent_until - now > paused then paused, why = spent_until - now, 'day' end
redis.call('HDEL', state, 'paused_until', 'pauses', 'probe_at', 'probe_call', 'day_remaining', 'day_resets_at')
keep_for_a_while()
return {paused, why, math.max(0, (number(known.forgotten_until) or 0) - now)}
