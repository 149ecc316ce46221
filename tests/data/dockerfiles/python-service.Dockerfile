# A service in the shape of most Python ones.
# build: --build-arg UNUSED=1
FROM os2-test/base:1

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=off

WORKDIR /srv/app
COPY requirements.txt pyproject.toml ./
RUN sed 's/==.*//' requirements.txt > /srv/packages
COPY . .
EXPOSE 8000
CMD ["sh", "-c", "cat app/main.js"]
