-- Restores an organisation that Redis had forgotten, or whose memory is damaged, with the waits that Postgres requires.
-- Only the first worker's call has an effect: a second worker that found the memory empty changes nothing.
local forgotten, pause, reason, probe_in = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])
local known = read_state()
if damage(known) ~= '' then known = repair(known) end
if known.server == server() then return 0 end
redis.call('HSET', state, 'server', server())
if forgotten > 0 then redis.call('HSET', state, 'forgotten_until', whole(now + forgotten)) end
if pause > 0 and now + pause > (number(known.paused_until) or 0) then
  redis.call('HSET', state, 'paused_until', whole(now + pause), 'pause_reason', reason, 'probe_at', whole(now + probe_in))
end
keep_for_a_while()
return 1
