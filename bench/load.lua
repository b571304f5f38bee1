-- Posts one body again and again, each time with the next of the tokens, if there are any; prints one line of JSON.
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"

local tokens, at = {}, 0
if os.getenv("BENCH_TOKENS") then
  local number, first = 0, tonumber(os.getenv("BENCH_FIRST"))
  for line in io.lines(os.getenv("BENCH_TOKENS")) do
    number = number + 1
    if number > first then tokens[#tokens + 1] = line end
  end
end

function request()
  if #tokens == 0 then return wrk.format() end
  at = at + 1
  wrk.headers["Authorization"] = "Bearer " .. (tokens[at] or "spent")
  return wrk.format()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answered":%d,"seconds":%.4f,"p50":%.3f,"p99":%.3f,"longest":%.3f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
