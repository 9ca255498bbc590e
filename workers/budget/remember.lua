-- Redis had forgotten this organisation: from here on it knows it, and pauses as long as Postgres says it must.
-- The first worker's word stands: another one that found the same emptiness changes nothing.
local pause = tonumber(ARGV[7])
if redis.call('HGET', state, 'server') == server() then return 0 end
redis.call('HSET', state, 'server', server())
if pause > 0 and now + pause > (number(redis.call('HGET', state, 'paused_until')) or 0) then
  redis.call('HSET', state, 'paused_until', now + pause, 'pause_reason', 'forgotten')
end
keep_for_a_while()
return 1
