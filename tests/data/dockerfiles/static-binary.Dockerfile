FROM os2-test/base:1 AS build
RUN printf '#!/bin/sh\n' > /out && chmod 0755 /out
FROM scratch
COPY --from=build /out /usr/local/bin/out
ENTRYPOINT ["/usr/local/bin/out"]
