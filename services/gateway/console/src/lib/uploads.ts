// Files that go to a case one after the other: how far the one under way is, and which were refused, and why.
import { ref } from "vue";
import { newKey, Problem, upload } from "../api/http";

export function sizeText(bytes: number): string {
  return bytes < 1_048_576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`;
}

// Sent again after a break it is the same file: the key of a file at a case.
const keys = new WeakMap<File, Map<string, string>>();
export function fileKey(file: File, caseId: string): string {
  const own = keys.get(file) ?? new Map<string, string>(), key = own.get(caseId) ?? newKey();
  keys.set(file, own.set(caseId, key));
  return key;
}

export function useUploads() {
  const under = ref(""), part = ref(0), refused = ref<{ file: File; problem: Problem }[]>([]);

  /** How many were taken. */
  async function add(caseId: string, list: File[]): Promise<number> {
    refused.value = [];
    for (const one of list) {
      under.value = one.name;
      part.value = 0;
      try {
        await upload(`/cases/${caseId}/attachments`, one, fileKey(one, caseId), share => { part.value = Math.round(share * 100); });
      } catch (fault) {
        if (!(fault instanceof Problem)) throw fault;
        refused.value.push({ file: one, problem: fault });
      }
    }
    under.value = "";
    return list.length - refused.value.length;
  }
  function forget(): void { refused.value = []; }

  return { under, part, refused, add, forget };
}
