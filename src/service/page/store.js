// What this device keeps: who signed in here, and work that the server does not have yet.
//
// Every record names its learner, so one phone serves several. Kept in IndexedDB; where the
// browser refuses that (private windows, a full disk), in memory until the page is left.

/** Key of each kind of record. */
const KEYS = {
  notes: ["id"],
  accounts: ["learner"],
  beats: ["learner", "seq"],
  answers: ["learner", "attempt", "item"],
  attempts: ["learner", "attempt"],
  totals: ["learner", "course", "lesson"],
  enrolments: ["learner", "course"],
  farewells: ["token"],
};

/** Emits `volatile` when it can keep things in memory only. */
export class Store extends EventTarget {
  #db = null;
  #memory = null;
  #turn = Promise.resolve();

  /** Opens what is kept here. */
  static async open() {
    const store = new Store();
    try {
      store.#db = await opened();
      store.#db.onversionchange = () => store.#db.close();
    } catch {
      store.#memory = new Map();
    }
    return store;
  }

  /** Whether everything is forgotten when the page is left. */
  get volatile() {
    return this.#memory !== null;
  }

  /**
   * Runs `work(shelf)` as one transaction, alone, also among other tabs: all of it is kept or
   * nothing. `work` may wait for the shelf only, and may be run a second time.
   */
  async run(work) {
    if (!this.#memory) {
      try {
        return await this.#kept(work);
      } catch {
        await this.#forsake();
      }
    }
    const result = this.#turn.then(() => work(new MemoryShelf(this.#memory)));
    this.#turn = result.catch(() => {});
    return result;
  }

  #kept(work) {
    return new Promise((done, fail) => {
      const names = Object.keys(KEYS);
      const running = this.#db.transaction(names, "readwrite", { durability: "strict" });
      let result;
      running.oncomplete = () => done(result);
      running.onabort = () => fail(running.error ?? new Error("aborted"));
      work(new DiskShelf(running)).then((value) => { result = value; }, (error) => {
        fail(error);
        try { running.abort(); } catch { /* over already */ }
      });
    });
  }

  /** Goes on in memory, with all that can still be read. */
  async #forsake() {
    const memory = new Map();
    try {
      const names = Object.keys(KEYS);
      const reading = this.#db.transaction(names, "readonly");
      const all = await Promise.all(names.map((name) => answer(reading.objectStore(name).getAll())));
      const shelf = new MemoryShelf(memory);
      names.forEach((name, at) => all[at].forEach((record) => shelf.put(name, record)));
    } catch { /* nothing is left to read */ }
    if (this.#memory) return;
    this.#memory = memory;
    this.dispatchEvent(new Event("volatile"));
  }
}

class DiskShelf {
  #running;

  constructor(running) {
    this.#running = running;
  }

  get(name, ...key) {
    return answer(this.#running.objectStore(name).get(key));
  }

  put(name, record) {
    return answer(this.#running.objectStore(name).put(record));
  }

  drop(name, ...key) {
    return answer(this.#running.objectStore(name).delete(key));
  }

  /** Records of `name` in the order of their keys, those that begin with `prefix`. */
  all(name, ...prefix) {
    const range = prefix.length ? IDBKeyRange.bound(prefix, [...prefix, []]) : undefined;
    return answer(this.#running.objectStore(name).getAll(range));
  }
}

class MemoryShelf {
  #all;

  constructor(all) {
    this.#all = all;
  }

  async get(name, ...key) {
    return structuredClone(this.#of(name).get(JSON.stringify(key)));
  }

  async put(name, record) {
    const key = KEYS[name].map((part) => record[part]);
    this.#of(name).set(JSON.stringify(key), structuredClone(record));
  }

  async drop(name, ...key) {
    this.#of(name).delete(JSON.stringify(key));
  }

  async all(name, ...prefix) {
    const parts = KEYS[name];
    const mine = [...this.#of(name).values()].filter((record) =>
      prefix.every((part, at) => record[parts[at]] === part));
    const order = (a, b) => parts.reduce((by, part) =>
      by || (a[part] > b[part]) - (a[part] < b[part]), 0);
    return structuredClone(mine.sort(order));
  }

  #of(name) {
    if (!this.#all.has(name)) this.#all.set(name, new Map());
    return this.#all.get(name);
  }
}

function opened() {
  return new Promise((done, fail) => {
    const opening = indexedDB.open("lamplight", 1);
    opening.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(KEYS)) {
        opening.result.createObjectStore(name, { keyPath });
      }
    };
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => fail(opening.error);
    opening.onblocked = () => fail(new Error("blocked"));
  });
}

function answer(request) {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}
