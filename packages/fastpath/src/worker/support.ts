import type { Server } from "node:net";
import { ARCHITECTURES } from "../kernel/layout.ts";
import { NativeKernel } from "../kernel/native-kernel.ts";

/**
 * Why the data plane cannot run here, for people; `undefined` when it can. It is tried: the library is loaded, and the kernel
 * asked for what is used of it.
 */
export function dataPlaneProblem(): string | undefined {
  if (process.platform !== "linux") return `it needs Linux, and this is ${process.platform}`;
  if (!ARCHITECTURES.includes(process.arch)) {
    return `it knows the processors ${ARCHITECTURES.join(" and ")}, and this is ${process.arch}`;
  }
  try {
    const kernel = new NativeKernel();
    const opened = [kernel.epollCreate(), kernel.eventfd()];
    for (const fd of opened) if (fd >= 0) kernel.close(fd);
    return opened.every((fd) => fd >= 0) ? undefined : "the system refuses epoll or eventfd";
  } catch (error) {
    return `the library koffi does not work here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * A duplicate of the descriptor of a listening socket, which stays open when the server is closed. `undefined` when this
 * Node does not tell descriptors, or there is none left. It is the only place that looks behind Node's own interface.
 *
 * @internal
 */
export function duplicateListeningSocket(server: Server): number | undefined {
  const { _handle: handle } = server as { readonly _handle?: { readonly fd?: unknown } };
  if (typeof handle?.fd !== "number" || handle.fd < 0) return undefined;
  const fd = new NativeKernel().duplicate(handle.fd);
  return fd < 0 ? undefined : fd;
}
