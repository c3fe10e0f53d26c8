/* SPDX-License-Identifier: MIT */
/* event_id: the table of events. */
#include "base/event_id.h"

#include <syslog.h>

static const struct {
        const char *name;
        int level;
        const char *message_id;
} table[_EVENT_ID_MAX] = {
        [EVENT_NONE] = { NULL, LOG_INFO, NULL },
        [EVENT_RUN_QUEUED] = { "run-queued", LOG_DEBUG, "1c21844906c743509c341ea3b92489bc" },
        [EVENT_RUN_STARTED] = { "run-started", LOG_INFO, "66e70e82e6b540cfa29ff45bc842ea61" },
        [EVENT_RUN_STOPPING] = { "run-stopping", LOG_INFO, "c0930a43d09945c0b6edb6151fd7f09b" },
        [EVENT_RUN_READY] = { "run-ready", LOG_INFO, "2ff1722c004940edb9296d7e79ce97e1" },
        [EVENT_RUN_RESTARTING] = { "run-restarting", LOG_NOTICE, "56201d20f01b4bb4afb6c4db85ad0b33" },
        [EVENT_RUN_DOWN] = { "run-down", LOG_NOTICE, "b01880c0f7e44c2894a8f90cf4b0b5ee" },
        [EVENT_RUN_SLOW] = { "run-slow", LOG_WARNING, "cef2aeac299a4307a94922c5c8a1bfb8" },
        [EVENT_RUN_DONE] = { "run-done", LOG_INFO, "eb81dd97a2734357ac8db8494aae0a96" },
        [EVENT_ITEM_FAILED] = { "item-failed", LOG_WARNING, "022d7b2ae0f3408a915f49273b50c834" },
        [EVENT_FAILING] = { "failing", LOG_ERR, "a1e4a7333e8d466ca85120658d1bac71" },
        [EVENT_RECOVERED] = { "recovered", LOG_NOTICE, "fc5a5324a7eb4eadb90b531a784f0942" },
        [EVENT_CRITICAL] = { "critical", LOG_CRIT, "9976c87065b54307a2cf688fd8830d2d" },
        [EVENT_SKIPPED] = { "skipped", LOG_NOTICE, "2c2a129dd40f4a759d859cac4d1124ad" },
        [EVENT_MISSED] = { "missed", LOG_NOTICE, "4f30f27e8ea9423f845d18a27b1a7e6a" },
        [EVENT_PAUSED] = { "paused", LOG_NOTICE, "e82f8e09cc494096b51a59c49a0444d4" },
        [EVENT_RESUMED] = { "resumed", LOG_NOTICE, "1c61299a9bb9449ca31052cb4590583f" },
        [EVENT_STALE] = { "stale", LOG_ERR, "9f60ee5c09d248ef8b488c3e763069cf" },
        [EVENT_INTERRUPTED] = { "interrupted", LOG_ERR, "a28382c1f3d247a08e134ee59a0fbc2e" },
        [EVENT_LEFTOVER] = { "leftover", LOG_WARNING, "f01f020dc2884da29bc3f851dce3b62d" },
        [EVENT_CLOCK_SET] = { "clock-set", LOG_NOTICE, "1261422d650e413f8871b46028cc2752" },
        [EVENT_ZONE_CHANGED] = { "zone-changed", LOG_NOTICE, "dba69be4ec614ffd9d515b5d1b7d03b3" },
        [EVENT_STORE_DEGRADED] = { "store-degraded", LOG_ERR, "a088928fd4884662b28f955c839bd856" },
        [EVENT_STORE_RECOVERED] = { "store-recovered", LOG_NOTICE, "ecc8a6523daf4e95a20e173059ed4702" },
        [EVENT_REMNANT] = { "remnant", LOG_ERR, "33cc511d3e7245528a1e4afcfeec8ae9" },
        [EVENT_REMNANT_GONE] = { "remnant-gone", LOG_NOTICE, "2286dbc98de14971afc7ceba5082adb5" },
        [EVENT_HOOK_DROPPED] = { "hook-dropped", LOG_ERR, "916b812c0e8c4144b473c09ea85ef057" },
        [EVENT_POOL_DEGRADED] = { "pool-degraded", LOG_WARNING, "7b449e96c4064649b8bdc15423af6313" },
        [EVENT_POOL_RECOVERED] = { "pool-recovered", LOG_NOTICE, "0117d92731944fee9df9912541d709a0" },
        [EVENT_METRICS_UNREACHABLE] = { "metrics-unreachable", LOG_ERR, "1869f9ce56d74e48abe7e9526e9ec194" },
        [EVENT_METRICS_RECOVERED] = { "metrics-recovered", LOG_NOTICE, "e6360bb320784440b455a6cc9441c064" },
        [EVENT_LOOP_SLOW] = { "loop-slow", LOG_WARNING, "ef63feb7ed324394850144f617e812b1" },
        [EVENT_LOOP_STUCK] = { "loop-stuck", LOG_ERR, "f86d8c97e4fa4184b4ce30cdf05bfa16" },
        [EVENT_LOOP_UNSTUCK] = { "loop-unstuck", LOG_WARNING, "75bbdfb8a258422d91f43426c2cfeacf" },
        [EVENT_OUTPUT_SUPPRESSED] = { "output-suppressed", LOG_WARNING, "72b8a0a453e04e2aa498f6a8d7f0da4d" },
        [EVENT_LOG_DROPPED] = { "log-dropped", LOG_WARNING, "29884f8837bc4d51b6cb3bfe9e630a8d" },
        [EVENT_PHASE] = { "phase", LOG_NOTICE, "29135207dbfb40859e3c7d68034ea302" },
        [EVENT_RELOADED] = { "reloaded", LOG_NOTICE, "6e3bd1f0a4f44b0e8f3f6b9d41d5a6c7" },
        [EVENT_RELOAD_REFUSED] = { "reload-refused", LOG_ERR, "b9c0d9a58f6f4f0ab7d1d1b0a1c27e35" },
        [EVENT_CONFIG_FALLBACK] = { "config-fallback", LOG_ERR, "4d5a3c0c3f7b4c1c9d0a0b1e7a1f52c8" },
        [EVENT_COMMAND] = { "command", LOG_NOTICE, "49bb7a882d224e3c8c5360a1a9127ed0" },
};

const char *event_id_to_string(enum event_id id) {
        return id < _EVENT_ID_MAX ? table[id].name : NULL;
}

const char *event_id_to_message_id(enum event_id id) {
        return id < _EVENT_ID_MAX ? table[id].message_id : NULL;
}

int event_id_level(enum event_id id) {
        return id < _EVENT_ID_MAX ? table[id].level : LOG_INFO;
}
