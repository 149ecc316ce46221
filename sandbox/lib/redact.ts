// Redaction of everything that is printed or served.

const SECRET_NAME = /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE_KEY/i;
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;
const HIDDEN = "***";

/** Shorter values are words like `none`: hiding them would garble the text and protect nothing. */
const SHORTEST_SECRET = 6;

export type Redact = (text: string) => string;

/** Hides the values of variables that are named like secrets, and credentials in URLs. */
export function redactor(env: Readonly<Record<string, string | undefined>>): Redact {
  const secrets = Object.entries(env)
    .filter(([name]) => SECRET_NAME.test(name))
    .flatMap(([, value]) => (value ? [value.trim(), encodeURIComponent(value.trim())] : []))
    .filter((value) => value.length >= SHORTEST_SECRET)
    // Longest first: a secret that is part of another must not leave the rest of it visible.
    .sort((a, b) => b.length - a.length);
  return (text) =>
    secrets
      .reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
      .replace(URL_CREDENTIALS, `$1${HIDDEN}@`);
}
