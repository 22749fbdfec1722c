-- wrk script: GET (or another method) with the headers of a file and a new X-Request-Id each time.
-- Call: wrk ... -s wrk-requests.lua <url> -- <method> <path> <header file, one "name: value" a line> <mean pause in ms> <first id>
-- Where the path holds {id}, each request has the next one, and is written when it is sent.
-- The others are written once, before the clock runs; the load costs wrk one table look-up each.

local prepared = {}
local position = 0
local count = 512
local nextId, method, path, headers

local function uuid()
  local hex = function(digits)
    return string.format('%0' .. digits .. 'x', math.random(0, 16 ^ digits - 1))
  end
  return hex(4) .. hex(4) .. '-' .. hex(4) .. '-4' .. hex(3) .. '-8' .. hex(3) .. '-' .. hex(4) .. hex(4) .. hex(4)
end

function init(args)
  local file = args[3]
  method, path, headers = args[1], args[2], {}
  if path:find('{id}', 1, true) then nextId = tonumber(args[5]) end
  local pause = tonumber(args[4] or '0')
  -- wrk asks for it before each request, if it is there at all. Of one length, pauses would let those that were
  -- answered together come back together.
  if pause > 0 then
    function delay() return math.random(0, 2 * pause) end
  end
  for line in io.lines(file) do
    local name, value = line:match('^([^:]+): (.*)$')
    if name then headers[name] = value end
  end
  math.randomseed(20231124)
  for index = 1, count do
    headers['x-request-id'] = uuid()
    prepared[index] = wrk.format(method, path, headers)
  end
end

function request()
  if nextId then
    nextId = nextId + 1
    headers['x-request-id'] = uuid()
    -- In brackets: gsub gives a count too.
    return wrk.format(method, (path:gsub('{id}', string.format('%d', nextId))), headers)
  end
  position = position % count + 1
  return prepared[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nBENCH {"requests":%d,"microseconds":%d,"bytes":%d,"statusErrors":%d,"socketErrors":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
