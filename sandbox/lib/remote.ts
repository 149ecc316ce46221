// The remote repository: its URL without secrets, and the credentials for it.

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Remote {
  /** The URL without credentials. */
  readonly url: string;
  readonly credentials?: Credentials;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The user name that hosting services accept with a token as password. */
const TOKEN_USER = "x-access-token";

/** Separates a URL from its credentials. Other forms (`git@host:path`) have none. */
export function parseRemote(text: string): Remote {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return { url: text };
  const url = new URL(text);
  const username = decode(url.username);
  const password = decode(url.password);
  url.username = "";
  url.password = "";
  if (!username && !password) return { url: url.href };
  // `https://TOKEN@host` has a token but no user.
  const credentials = password
    ? { username: username || TOKEN_USER, password }
    : { username: TOKEN_USER, password: username };
  return { url: url.href, credentials };
}

/** Returns the repository that the environment names, with the credentials for its host. */
export function remoteOf(env: Environment): Remote | undefined {
  const text = env["ITERATE_REPO_URL"]?.trim();
  if (!text) return undefined;
  const remote = parseRemote(text);
  const token = env["ITERATE_REPO_TOKEN"]?.trim();
  if (token) return { ...remote, credentials: { username: TOKEN_USER, password: token } };
  if (remote.credentials) return remote;
  return withCredentials(remote, gitHubCredentials(remote.url, env));
}

/**
 * Returns the credentials for the host that git asks about. A token is sent only to the host it was set
 * for, never to the target of a redirect or a submodule.
 */
export function credentialsFor(origin: string, env: Environment): Credentials | undefined {
  const remote = remoteOf(env);
  if (remote?.credentials && originOf(remote.url) === originOf(origin)) return remote.credentials;
  return gitHubCredentials(origin, env);
}

function gitHubCredentials(url: string, env: Environment): Credentials | undefined {
  if (originOf(url) !== "https://github.com") return undefined;
  const token = env["GITHUB_TOKEN"]?.trim() || env["GH_TOKEN"]?.trim();
  return token ? { username: TOKEN_USER, password: token } : undefined;
}

function withCredentials(remote: Remote, credentials: Credentials | undefined): Remote {
  return credentials ? { ...remote, credentials } : remote;
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray `%` in a password
  }
}
