  # an indented comment
FROM os2-test/base:1
RUN echo one \
    # a comment amid a command
    two \

    three \
    > /words
# COPY none /none
	COPY app /app
copy \
  # of a copy
  conf \
  /conf/
