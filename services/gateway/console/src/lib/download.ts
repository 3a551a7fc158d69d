// A file made by the server as it goes, of any length: how much has come is shown, it can be given up, and half of it is never kept.
import { ref } from "vue";
import { send } from "../api/http";

export function useDownload() {
  const name = ref(""), bytes = ref(0), error = ref<unknown>();
  let control: AbortController | undefined;

  async function start(file: string, path: string, query: Record<string, string | number | undefined>): Promise<void> {
    cancel();
    const mine = control = new AbortController();
    name.value = file;
    bytes.value = 0;
    error.value = undefined;
    try {
      const reply = await send("GET", path, { query, signal: mine.signal, accept: "*/*" }), parts: BlobPart[] = [];
      const reader = reply.body!.getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        parts.push(part.value as BlobPart);
        bytes.value += part.value.byteLength;
      }
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(parts, { type: reply.headers.get("Content-Type") ?? "" }));
      link.download = file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (fault) {
      if (!mine.signal.aborted) error.value = fault;
    } finally {
      if (control === mine) name.value = "";
    }
  }

  function cancel(): void { control?.abort(); name.value = ""; }
  return { name, bytes, error, start, cancel };
}
