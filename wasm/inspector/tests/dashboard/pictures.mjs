// Makes the pictures of docs/dashboard.md: node tests/dashboard/pictures.mjs
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch } from "../support.mjs";
import { serve } from "./server.mjs";
import { openDashboard } from "./support.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../../docs/images");
const WIDTH = 1000;

const PICTURES = [
  ["dashboard-overview", "", "light", 1150, ".trend-chart"],
  ["dashboard-session", "#/session/1.01a1fc6c-69dd-7bc3-a147-000000000001", "dark", 780, ".timeline canvas"],
];

const browser = await launch();
const collector = await serve();
mkdirSync(folder, { recursive: true });
for (const [name, hash, colorScheme, height, ready] of PICTURES) {
  const { tab, close } = await openDashboard(browser, collector, {
    hash,
    colorScheme,
    viewport: { width: 1240, height },
  });
  await tab.locator(ready).first().waitFor();
  await tab.waitForTimeout(400);
  const shot = (await tab.screenshot()).toString("base64");
  // Smaller, and as WebP: Chromium can.
  const canvas = await browser.newPage();
  const url = await canvas.evaluate(
    async ([png, width]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${png}`;
      await image.decode();
      const place = document.createElement("canvas");
      [place.width, place.height] = [width, Math.round((image.height / image.width) * width)];
      const context = place.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(image, 0, 0, place.width, place.height);
      return place.toDataURL("image/webp", 0.82);
    },
    [shot, WIDTH],
  );
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(url.split(",")[1], "base64"));
  await close();
}
await browser.close();
collector.close();
