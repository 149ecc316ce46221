// The path below which all pages of this server are, without a slash at its end. Other programs on
// this host don't know it.
export const base = new URL("..", import.meta.url).pathname.slice(0, -1);
