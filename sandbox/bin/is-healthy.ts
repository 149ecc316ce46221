// usage: is-healthy.ts URL
// Does what `curl --fail` does, for hosts without curl.
const [url = ""] = process.argv.slice(2);
const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
