// Segment's own client for Node.js against Omen: every kind of message, once.
//   node segment.mjs HOST WRITE_KEY
// Prints what it has sent, a message a line, as the client has made it; fails when the client says that one failed.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey, flushAt: 4, flushInterval: 200, maxRetries: 1 });

const sent = [];
let failure;
const done = (error, context) => {
  if (error) failure = error;
  else sent.push(context.event);
};
analytics.on("error", (error) => (failure = error));

const user = { userId: "segment-user", anonymousId: "segment-guest" };
analytics.identify({ ...user, traits: { email: "ann@example.com", plan: "pro", age: 31 } }, done);
analytics.track(
  {
    ...user,
    event: "order",
    properties: { client: "segment", price: 49.5, items: [{ sku: "s1", count: 2 }], note: "Größe „M“ 👟" },
    context: { ip: "192.0.2.7", page: { url: "https://shop.example/cart?a=1&b=2" } },
    timestamp: new Date(Date.now() - 3_600_000),
  },
  done,
);
analytics.page({ ...user, category: "docs", name: "Start", properties: { url: "https://shop.example/" } }, done);
analytics.screen({ ...user, name: "Home", properties: { dark: true } }, done);
analytics.group({ ...user, groupId: "g7", traits: { seats: 12 } }, done);
analytics.alias({ userId: "segment-user", previousId: "segment-before" }, done);
analytics.track({ anonymousId: "segment-guest", event: "only_guest", properties: {} }, done);
await analytics.closeAndFlush({ timeout: 10_000 });

if (failure) {
  console.error(String(failure.reason ?? failure));
  process.exit(1);
}
for (const event of sent) console.log(JSON.stringify(event));
