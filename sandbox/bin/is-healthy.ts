// usage: is-healthy.ts URL
// What `curl --fail` says of an address, for hosts that have no curl.
const [url = ""] = process.argv.slice(2);
const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
