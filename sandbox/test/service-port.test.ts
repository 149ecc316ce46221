import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { changedPort, portVariable } from "../lib/service-port.ts";

test("a service's variable is its name", () => {
  assert.equal(portVariable("iterate-server"), "ITERATE_SERVER_PORT");
  assert.equal(portVariable("a.b_c-1"), "A_B_C_1_PORT");
});

describe("changedPort", () => {
  test("is what the variable says", () => {
    assert.equal(changedPort("web", { WEB_PORT: " 4000 " }), 4000);
  });

  for (const text of [undefined, "", "none", "0", "65536", "1.5"]) {
    test(`leaves the port as it is for ${text}`, () => {
      assert.equal(changedPort("web", { WEB_PORT: text }), undefined);
    });
  }
});
