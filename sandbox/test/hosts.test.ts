// The names that a machine answers to.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Hosts } from "../server/hosts.ts";

const HERE = "172.17.0.2";
const OWN = [
  "localhost",
  "127.0.0.1",
  "[::1]",
  "otter.localhost",
  "web.localhost",
  "web-2.otter.localhost",
  HERE,
];
// Names in DNS, of another machine, and what is not a name.
const ELSEWHERE = [
  "evil.test",
  "localhost.evil.test",
  "otter.localhost.evil.test",
  "127.0.0.1.evil.test",
  "evil.test.localhost.",
  "localhost.",
  "otterlocalhost",
  "notlocalhost",
  "web.badger.localhost",
  "a.web.otter.localhost",
  ".localhost",
  "-.localhost",
  "otter.localhost@evil.test",
  "evil.test#.localhost",
  "evil.test/.localhost",
  "evil.test:80@localhost",
  "localhost, evil.test",
  "localhost evil.test",
  "172.17.0.3",
  "192.168.0.1",
  "[::2]",
  "[fe80::1%eth0]",
  "0.0.0.0",
  "127.1",
  "2130706433",
  "0x7f000001",
  "::1",
  "",
];
const PORTS = ["", ":3000", ":10123", ":80"];

describe("a machine's hosts", () => {
  const hosts = new Hosts({ OS2_MACHINE_NAME: "Otter" });

  for (const name of OWN) {
    test(`include ${name}`, () => {
      for (const port of PORTS) {
        assert.ok(hosts.accept(name + port, HERE));
        assert.ok(hosts.accept(name.toUpperCase() + port, `::ffff:${HERE}`));
      }
    });
  }

  for (const name of ELSEWHERE) {
    test(`exclude '${name}'`, () => {
      for (const port of PORTS) assert.ok(!hosts.accept(name + port, HERE));
    });
  }

  test("exclude a request without one, and a port that is none", () => {
    for (const host of [undefined, "localhost:", "localhost:x", "localhost:123456", "[::1"]) {
      assert.ok(!hosts.accept(host, HERE));
    }
  });

  test("exclude names below other machines if there is no own name", () => {
    const nameless = new Hosts({});
    assert.ok(nameless.accept("web.localhost", HERE));
    assert.ok(!nameless.accept("web.undefined.localhost", HERE));
  });

  test("include those of the environment", () => {
    const named = new Hosts({ ITERATE_SERVER_NAMES: "build.test, Other.test" });
    assert.ok(named.accept("build.test:3000", HERE));
    assert.ok(named.accept("other.test", HERE));
    assert.ok(!named.accept("evil.test", HERE));
  });

  test("are the proxy's on Daytona", () => {
    const published = new Hosts({ DAYTONA_SANDBOX_ID: "1234" });
    for (const host of ["3000-1234.proxy.test", "10.0.0.7:3000", "localhost", undefined]) {
      assert.ok(published.accept(host, HERE));
    }
  });

  test("name a service, alone or below the machine", () => {
    assert.equal(hosts.service("Web.localhost:10123"), "web");
    assert.equal(hosts.service("web-2.otter.localhost"), "web-2");
    const none = [
      "localhost:3000",
      "127.0.0.1",
      "otter.localhost",
      "web.badger.localhost",
      ...ELSEWHERE,
    ];
    for (const host of [undefined, ...none.filter((each) => each !== "-.localhost")]) {
      assert.equal(hosts.service(host), undefined);
    }
  });
});
