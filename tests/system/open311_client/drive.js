// Calls of the client, one after the other, as the lines on standard input say: {"settings": ..., "calls": [[name, argument ...]]}.
// Prints what each called back with: [error, data].
const Open311 = require("open311");

const { settings, calls } = JSON.parse(require("fs").readFileSync(0));
const client = new Open311(settings);

const one = ([name, ...given]) => new Promise((done) => client[name](...given, (error, data) => done([error, data])));

(async () => {
  const answers = [];
  for (const call of calls) answers.push(await one(call));
  console.log(JSON.stringify(answers));
})();
