// Whether and what the bundle of the desktop uploads: nothing, unless the user has asked for it and said no nowhere.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { events, open, pause, recording } from "./support.mjs";

const server = createServer();
after(() => server.close());

test("uploads need a server, telemetry and trust, and are of what is observed meanwhile only", async () => {
  const bodies = [];
  server.on("request", async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    bodies.push(...JSON.parse(body).events);
    response.writeHead(202).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const session = recording("0.169.0/plain_turn");
  const sent = async (window) => {
    window.observe(session);
    await window.close();
    await pause();
    return bodies.splice(0);
  };
  const settings = () => ({ "turnledger.upload.url": url });
  assert.deepEqual(await sent(await open({ settings: settings() })), [], "telemetry is off");
  assert.deepEqual(await sent(await open({ settings: settings(), telemetry: true, trusted: false })), [], "the workspace is not trusted");
  assert.deepEqual(await sent(await open({ telemetry: true })), [], "there is no server");
  const native = events(session);
  assert.deepEqual(await sent(await open({ settings: settings(), telemetry: true })), native);

  const window = await open({ settings: settings() });
  window.observe(session);
  window.host.telemetry = true;
  window.host.fire("telemetry", true);
  await pause();
  assert.match(window.item.tooltip.value, /Events are uploaded\.$/);
  window.observe(recording("0.169.0/images"));
  window.host.telemetry = false;
  window.host.fire("telemetry", false);
  assert.deepEqual(await sent(window), [], "a no counts for what waits, too");

  const changed = await open({ settings: settings(), telemetry: true });
  changed.host.changeSetting("turnledger.upload.url", "https://analytics.example");
  await pause();
  assert.deepEqual(changed.host.messages, ["Turnledger uploads to the new server from the next start on.", "command workbench.action.reloadWindow"]);
  assert.deepEqual(await sent(changed), [], "the old server is no longer the user's");

  const wrong = await open({ settings: { "turnledger.upload.url": "http://analytics.example" }, telemetry: true });
  assert.deepEqual(wrong.host.log, ["error: upload.url: expected https://, or http:// on this machine"]);
  await wrong.close();

  const granted = await open({ settings: settings(), telemetry: true, trusted: false });
  granted.observe(session);
  granted.host.trusted = true;
  granted.host.fire("trust");
  await pause();
  const later = recording("0.169.0/images");
  granted.observe(later);
  await granted.close();
  await pause();
  assert.deepEqual(bodies.splice(0), events(later), "what was observed before the yes stays");
});
