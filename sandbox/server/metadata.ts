// A service's metadata.json. Repositories write it, so every field is validated.

export interface Metadata {
  readonly displayName?: string;
  readonly description?: string;
  readonly port?: number;
  readonly healthEndpoint?: string;
  readonly hasWebUI?: boolean;
  /** The directory of its log, if it is not the service's name in the log directory. */
  readonly logDirectory?: string;
}

/** Returns the valid fields and drops the rest: a service is shown even if its file is broken. */
export function parseMetadata(text: string): Metadata {
  const { displayName, description, port, healthEndpoint, hasWebUI, logDirectory } = fieldsOf(text);
  return {
    ...(typeof displayName === "string" && { displayName }),
    ...(typeof description === "string" && { description }),
    ...(isPort(port) && { port }),
    ...(isPath(healthEndpoint) && { healthEndpoint }),
    ...(typeof hasWebUI === "boolean" && { hasWebUI }),
    ...(typeof logDirectory === "string" && { logDirectory }),
  };
}

function fieldsOf(text: string): Readonly<Record<keyof Metadata, unknown>> {
  const nothing = {} as Record<keyof Metadata, unknown>;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...nothing, ...value } : nothing;
  } catch {
    return nothing;
  }
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536;
}

/** A path must start with `/`: otherwise the URL could name another host. */
function isPath(value: unknown): value is string {
  return typeof value === "string" && /^\/[^\s\\]*$/.test(value);
}
