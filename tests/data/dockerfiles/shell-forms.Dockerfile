FROM os2-test/base:1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN echo "$BASH_VERSION" | cut -c1 > /bash && [[ -s /bash ]]
SHELL ["/bin/sh", "-c"]
RUN ["/bin/sh", "-c", "echo exec > /exec"]
CMD echo "$HOME" and 'quotes'
ENTRYPOINT exec sh -c
