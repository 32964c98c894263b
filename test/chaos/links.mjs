/** TCP proxies between the replicas, one for each ordered pair, so that links can fail without anybody's fault. */
import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Links {
  #links = new Map();

  /** Proxies in front of the real ports. `addressOf(from, to)` says where `from` is to connect. */
  static async open(ports) {
    const links = new Links();
    for (const from of ports.keys())
      for (const [to, port] of ports.entries()) {
        if (from !== to) links.#links.set(`${from} ${to}`, await Link.open(port));
      }
    return links;
  }

  portOf(from, to) {
    return this.#links.get(`${from} ${to}`).port;
  }

  /** Silence in both directions between the groups: connections stay, nothing passes. */
  cut(one, other) {
    for (const link of this.#between(one, other)) link.cut();
  }

  /** What was held back goes on, as TCP would have sent it again; or, with `reset`, all connections are new ones. */
  heal({ reset = false } = {}) {
    for (const link of this.#links.values()) link.heal(reset);
  }

  *#between(one, other) {
    for (const from of one)
      for (const to of other) {
        if (from === to) continue;
        yield this.#links.get(`${from} ${to}`);
        yield this.#links.get(`${to} ${from}`);
      }
  }

  close() {
    for (const link of this.#links.values()) link.close();
  }
}

class Link {
  #server;
  #pairs = new Set();
  #isCut = false;

  static async open(target) {
    const link = new Link();
    link.#server = createServer({ pauseOnConnect: true }, (socket) => link.#accept(socket, target));
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  get port() {
    return this.#server.address().port;
  }

  #accept(near, target) {
    const pair = { near, far: undefined };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      pair.far?.destroy();
    };
    near.on("error", end).on("close", end);
    pair.open = () => {
      if (pair.far !== undefined) {
        near.resume();
        pair.far.resume();
        return;
      }
      pair.far = connect(target, "127.0.0.1").on("error", end).on("close", end);
      this.#pipe(near, pair.far);
      this.#pipe(pair.far, near);
      near.resume();
    };
    // Who connects while the link is cut waits.
    if (!this.#isCut) pair.open();
  }

  #pipe(source, target) {
    source.on("data", (data) => {
      if (target.write(data)) return;
      source.pause();
      target.once("drain", () => {
        if (!this.#isCut) source.resume();
      });
    });
  }

  cut() {
    this.#isCut = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far?.pause();
    }
  }

  heal(reset) {
    if (!this.#isCut) return;
    this.#isCut = false;
    for (const pair of this.#pairs) {
      if (reset) pair.near.destroy();
      else pair.open();
    }
  }

  close() {
    this.#server.close();
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far?.destroy();
    }
  }
}
