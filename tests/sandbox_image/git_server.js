// Serves the git repositories below /srv over HTTP, to clients with the password, and prints one line
// of JSON for each request. Under /held/ a request is kept waiting while the file /tmp/hold exists.
const { existsSync } = require("node:fs");
const { spawn } = require("node:child_process");
const { createServer } = require("node:http");

const [PORT, OTHER_PORT] = [8000, 8001];
const FIELDS = { "content-type": "CONTENT_TYPE", "content-encoding": "HTTP_CONTENT_ENCODING" };

function backend(request, response, url) {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_PROJECT_ROOT: "/srv",
    PATH_INFO: url.pathname.replace("/held", ""),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
  };
  for (const [header, name] of Object.entries(FIELDS)) env[name] = request.headers[header] ?? "";
  const git = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "inherit"] });
  request.pipe(git.stdin);
  git.stdin.on("error", () => {});
  const chunks = [];
  git.stdout.on("data", (chunk) => chunks.push(chunk));
  git.on("close", () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf("\r\n\r\n");
    for (const line of output.subarray(0, end).toString().split("\r\n")) {
      const [name, value] = line.split(": ");
      if (name === "Status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
}

function serve(port) {
  createServer((request, response) => {
    const url = new URL(request.url, "http://server");
    const { authorization } = request.headers;
    const [user, password = ""] = Buffer.from((authorization ?? "").replace("Basic ", ""), "base64")
      .toString()
      .split(":");
    console.log(JSON.stringify({ port, method: request.method, path: request.url, user, password }));
    if (url.pathname.startsWith("/silent/")) return;
    if (url.pathname.startsWith("/elsewhere/")) {
      const host = request.headers.host.replace(/:.*/, `:${OTHER_PORT}`);
      const location = `http://${host}${request.url.replace("/elsewhere", "")}`;
      response.writeHead(302, { location }).end();
    } else if (!url.pathname.includes("/open-") && password !== process.env.PASSWORD) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    } else if (url.pathname.startsWith("/held/") && request.method === "POST") {
      const timer = setInterval(() => {
        if (existsSync("/tmp/hold")) return;
        clearInterval(timer);
        backend(request, response, url);
      }, 20);
    } else {
      backend(request, response, url);
    }
  }).listen(port, "0.0.0.0", () => console.log(JSON.stringify({ listening: port })));
}

serve(PORT);
serve(OTHER_PORT);
