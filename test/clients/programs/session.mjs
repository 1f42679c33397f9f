// What the two TypeScript client programs share: see README.md, “Programs”.
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

// user answers forms from FAIRLEAD_TEST_ANSWERS, a JSON object by field, and opens pages
// with FAIRLEAD_TEST_OPENS: it says {"open":URL} and reads a line when that is done.
// Without either the client declares that it has nobody to ask.
const answers = process.env.FAIRLEAD_TEST_ANSWERS && JSON.parse(process.env.FAIRLEAD_TEST_ANSWERS);
const opens = process.env.FAIRLEAD_TEST_OPENS;
export const capabilities = answers || opens ? { elicitation: { ...(answers && { form: {} }), ...(opens && { url: {} }) } } : {};

async function open({ url, elicitationId }) {
  say({ open: url, elicitationId });
  await lines.next();
}

export const user = async ({ params }) => {
  if (params.mode === 'url') {
    await open(params);
    return { action: 'accept' };
  }
  const fields = Object.keys(params.requestedSchema.properties).filter((name) => name in answers);
  return { action: 'accept', content: Object.fromEntries(fields.map((name) => [name, answers[name]])) };
};

// opened makes a call, and makes it again after the pages are open that it needs: the
// error -32042 of revision 2025-11-25.
async function opened(call) {
  for (;;) {
    try {
      return await call();
    } catch (e) {
      if (e.code !== -32042 || !opens) throw e;
      for (const one of e.data.elicitations) await open(one);
    }
  }
}

// run connects, answers one step per line of standard input and ends the process.
// connect(target) → {client, version}; target is {url} or {command, args}.
export async function run(connect) {
  const [era, ...rest] = process.argv.slice(2);
  const target = rest[0] === 'stdio' ? { command: rest[1], args: rest.slice(2) } : { url: rest[0] };
  let session;
  try {
    session = await connect(era, target);
  } catch (e) {
    say({ error: { code: e.code, message: String(e.message ?? e) } });
    process.exit(1);
  }
  const { client, version } = session;
  say({ protocolVersion: version(), serverInfo: client.getServerVersion() });
  const methods = {
    'tools/list': (p) => client.listTools(p),
    'tools/call': (p) => client.callTool(p),
    'prompts/list': (p) => client.listPrompts(p),
    'prompts/get': (p) => client.getPrompt(p),
    'resources/list': (p) => client.listResources(p),
    'resources/templates/list': (p) => client.listResourceTemplates(p),
    'resources/read': (p) => client.readResource(p),
    ping: () => client.ping(),
  };
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    const { method, params } = JSON.parse(line.value);
    try {
      say({ result: await opened(() => methods[method](params)) });
    } catch (e) {
      say({ error: { code: e.code, message: String(e.message ?? e) } });
    }
  }
  await client.close();
  process.exit(0);
}
