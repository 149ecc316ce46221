from os2-test/base:1 as Builder
run echo made > /made
from os2-test/base:1
copy --from=builder /made /made
env lower=case
cmd ["cat", "/made"]
