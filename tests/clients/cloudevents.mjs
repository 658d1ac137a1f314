// The CloudEvents SDK for JavaScript against Omen: the handshake, binary, structured and batched.
//   node cloudevents.mjs URL [TOKEN]
// Prints {"name", "event"} a line of what it has sent, and {"handshake"} with the headers of the answer.
import { CloudEvent, HTTP, Mode, emitterFor, httpTransport } from "cloudevents";

const [url, token] = process.argv.slice(2);
const authorization = token ? { authorization: `Bearer ${token}` } : {};

const hello = await fetch(url, {
  method: "OPTIONS",
  headers: { ...authorization, "WebHook-Request-Origin": "shop.example", "WebHook-Request-Rate": "120" },
});
const headers = Object.fromEntries(hello.headers);
console.log(JSON.stringify({ handshake: { status: hello.status, ...headers } }));

const transport = httpTransport(url);
// The transport tells no status; a refusal has a body.
const say = (name, event, answer) => {
  console.log(JSON.stringify({ name, event, answer: answer.body }));
};

const make = (name, more) =>
  new CloudEvent({
    id: `ce-${name}`,
    source: "/shop/checkout",
    type: "order",
    subject: "basket/7",
    time: "2026-03-01T10:00:00.123Z",
    dataschema: "https://shop.example/schemas/order",
    tenant: "t1",
    data: { client: "cloudevents", name, price: 12.5, items: [{ sku: "s1", count: 2 }], note: "Größe „M“ 👟" },
    ...more,
  });

const options = { headers: authorization };
const binary = emitterFor(transport);
const structured = emitterFor(transport, { mode: Mode.STRUCTURED });
for (const [mode, emit] of [["binary", binary], ["structured", structured]]) {
  const event = make(mode, {});
  say(mode, event, await emit(event, options));
  const text = make(`${mode}-text`, { datacontenttype: "text/plain", data: "client=cloudevents" });
  say(`${mode}-text`, text, await emit(text, options));
  const bytes = make(`${mode}-bytes`, {
    datacontenttype: "application/octet-stream",
    data: new Uint8Array([0, 1, 2, 253, 254, 255]),
  });
  say(`${mode}-bytes`, bytes, await emit(bytes, options));
}
const bare = new CloudEvent({ source: "/shop/checkout", type: "ping", id: "ce-bare" });
say("bare", bare, await structured(bare, options));

// The SDK reads batches and writes none; their form is a list of what it writes one by one.
const batch = [make("batch-1", {}), make("batch-2", {})];
const message = {
  headers: { "content-type": "application/cloudevents-batch+json; charset=utf-8" },
  body: `[${batch.map((event) => HTTP.structured(event).body).join(",")}]`,
};
const answer = await transport(message, options);
for (const event of batch) say(event.id.slice(3), event, answer);
