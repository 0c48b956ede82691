// An instant provider for promptfoo: says yes.
module.exports = class InstantProvider {
  id() { return 'instant'; }
  async callApi() { return { output: 'yes', tokenUsage: { total: 6, prompt: 5, completion: 1 } }; }
};
