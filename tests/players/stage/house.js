// What every adaptor needs.

export const faults = [];
/** What a player reports that a learner would notice; a test expects it to stay empty. */
export const fault = (what) => { faults.push(String(what)); };

/** Runs a classic script. */
export const script = (address) => new Promise((done, fail) => {
  const node = document.createElement("script");
  Object.assign(node, { src: address, onload: done, onerror: () => fail(new Error(address)) });
  document.head.append(node);
});
