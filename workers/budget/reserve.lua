-- The reserve: the slots of a window that bulk calls leave free for the interactive and webhook lanes. It follows the
-- recent demand of these lanes, from `least` to the size of the reserved pool. Bulk calls borrow the other slots of the
-- reserved pool, so the sizes of the pools never change, and a process of the former release counts the same calls.
-- The character of a call between its id and its holder. The former release wrote ':' for every lane and ignores it.
local MARK_AT, BULK_MARK = 33, '~'
-- One more slot than the demand, so that a use that grows by one call does not wait.
local HEADROOM = 1
-- A person's pauses between bursts are minutes long, and a burst that comes too early waits for up to a window.
local HELD_WINDOWS = 5

local function is_bulk(call)
  return string.sub(call, MARK_AT, MARK_AT) == BULK_MARK
end

-- The reserve is kept for some windows after it was last needed, then loses one slot a window. A time in the future means
-- that the clock was set back.
local function present_reserve(known, least)
  local needed, at = number(known.reserve) or 0, number(known.reserve_at) or 0
  if at > now then return least end
  local quiet_windows = math.max(0, math.ceil((now - at) / span) - HELD_WINDOWS)
  return math.max(least, math.min(pools.reserved.size, needed) - quiet_windows)
end

-- The calls of the interactive and webhook lanes that count against the window. In the shared pool the calls of the
-- former release count too, because their lane is not known.
local function interactive_calls()
  local found = 0
  for _, key in ipairs(calls) do
    for _, call in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if not is_bulk(call) then found = found + 1 end
    end
  end
  return found
end

-- The number of holders at the front of the shared queue.
local function count_front()
  return redis.call('ZCOUNT', pools.shared.queue, '-inf', '(0')
end

local function is_in_front(holder)
  return (number(redis.call('ZSCORE', pools.shared.queue, holder)) or 0) < 0
end

-- The slots of a window that the interactive and webhook lanes need: for the window's calls, the waiting holders and this
-- request.
local function demand_with(holder)
  local waits = redis.call('ZCARD', pools.reserved.queue) + count_front()
  local is_new = not (redis.call('ZSCORE', pools.reserved.queue, holder) or is_in_front(holder))
  return interactive_calls() + waits + (is_new and 1 or 0)
end

-- The waiting holders of the interactive and webhook lanes that have a free slot: they wait for a place among the calls
-- under way.
local function count_ready()
  local function free(pool)
    return math.max(0, pool.size - redis.call('ZCARD', pool.leases) - redis.call('ZCARD', pool.used))
  end
  local queued = redis.call('ZCARD', pools.reserved.queue)
  return math.min(queued, free(pools.reserved)) + math.min(count_front(), free(pools.shared))
end

-- Raises the reserve at once if the demand needs it.
local function raise_reserve(known, least, demand)
  local needed = math.min(pools.reserved.size, demand + HEADROOM)
  if needed < present_reserve(known, least) then return end
  redis.call('HSET', state, 'reserve', whole(needed), 'reserve_at', whole(now))
end
