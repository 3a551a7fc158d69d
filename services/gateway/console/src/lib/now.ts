// One clock for all that is shown: the same minute everywhere.
import { ref } from "vue";

export const now = ref(Date.now());
setInterval(() => { now.value = Date.now(); }, 30_000);
