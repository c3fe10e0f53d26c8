/* SPDX-License-Identifier: MIT */
/* group: members that run as one and end together.
 *
 * All members are created when the group begins; those that wait for others stay queued until these are ok, or ready.
 * What a member's end means is the policy's to say. Once the group is to end, members are asked in the reverse of the
 * `after` order: one that others were started on top of is asked when those are gone.
 *
 * A group that resumes one of its runs does not run again what was ok there: such members end ok as soon as it has begun,
 * which is all that the others and the policy need to know. A group among its members that was not ok resumes in turn.
 *
 * A background member never decides anything; it is ended when all others are done.
 *
 * A service that has ended while its group goes on may be taken up again: another run takes its place, and what became of
 * the first counts no more. Those that come after it and still wait, wait for the new one; those that do not are left
 * alone, as when a service restarts. It waits itself for those before it that live.
 */
#include "run/node.h"

#include <stdio.h>

static const struct run_member *member_of(const struct run *group, const struct run *child) {
        return &group->spec->members[child->member];
}

/* ---- beginning ---- */

static void fail(struct run *group, const char *detail) {
        char name[RUN_NAME_MAX];

        errors_add(&group->errors, ERROR_SPAWN, detail, run_name(group, name));
        run_close(group, &(struct close_cause){ .outcome = OUTCOME_FAILED, .bound = _BOUND_INVALID });
}

/* What became of the member in the run that is resumed, or NULL. */
static struct result *result_before(const struct run *group, const struct run *member) {
        const struct result *resume = group->group.resume;

        for (size_t i = 0; resume && i < resume->n_children; i++)
                if (streq(resume->children[i]->task, member->spec->name))
                        return resume->children[i];
        return NULL;
}

static void resume_member(const struct run *group, struct run *member) {
        struct result *before = result_before(group, member);
        char text[RUN_NAME_MAX + 16];

        if (!before)
                return;
        if (before->outcome != OUTCOME_OK) {
                if (member->role == RUN_GROUP)
                        member->group.resume = result_ref(before);
                return;
        }
        /* Where that one had not run itself, it says in which run it did. */
        member->resumed = strdup(before->resumed ? before->resumed : group->group.resume->run);
        if (!member->resumed) /* then it runs again */
                return;
        (void)snprintf(text, sizeof(text), "ok in %s", member->resumed);
        member->reason = strdup(text);
}

static int create_members(struct run *group) {
        const struct run_spec *spec = group->spec;

        free(group->group.members);
        group->group.members = calloc(MAX(spec->n_members, (size_t)1), sizeof(*group->group.members));
        if (!group->group.members)
                return -ENOMEM;
        for (size_t i = 0; i < spec->n_members; i++) {
                const struct run_spec *member = spec->members[i].spec;
                struct run *run = run_new(group, member, run_role_for(member), 0);

                if (!run)
                        return -ENOMEM;
                run->member = (unsigned)i;
                run_set_waiting(run, true);
                run_arm(run);
                group->group.members[i] = (struct member_state){
                        .run = run,
                        .unmet = (unsigned)spec->members[i].n_after,
                };
                resume_member(group, run);
        }
        return 0;
}

static void group_begin(struct run *group) {
        const struct run_spec *spec = group->spec;

        group->attempts++;
        group->bounds[BOUND_TIMEOUT] = usec_add(clock_now(CLOCK_ID_MONOTONIC), spec->bounds[BOUND_TIMEOUT]);
        run_arm(group);
        if (create_members(group) < 0) {
                fail(group, "out of memory");
                return;
        }
        for (size_t i = 0; i < spec->n_members; i++) {
                struct run *member = group->group.members[i].run;

                if (member->resumed)
                        run_close(member, &(struct close_cause){ .outcome = OUTCOME_OK, .bound = _BOUND_INVALID });
                else if (spec->members[i].n_after == 0)
                        run_enqueue(member);
        }
        run_examine(group);
}

/* ---- order ---- */

/* How often @member names the one at @index: patterns may do so more than once. */
static unsigned comes_after(const struct run_member *member, unsigned index) {
        unsigned n = 0;

        for (size_t i = 0; i < member->n_after; i++)
                n += member->after[i] == index;
        return n;
}

static void met(struct run *group, struct run *child) {
        const struct run_spec *spec = group->spec;
        struct member_state *state = &group->group.members[child->member];

        if (state->met || group->closing)
                return;
        state->met = true;
        for (size_t i = 0; i < spec->n_members; i++) {
                struct member_state *next = &group->group.members[i];
                unsigned n = comes_after(&spec->members[i], child->member);

                if (n == 0 || next->unmet == 0 || next->run->closing)
                        continue;
                next->unmet -= n;
                if (next->unmet == 0)
                        run_enqueue(next->run);
        }
}

static void not_met(struct run *group, struct run *child) {
        const struct run_spec *spec = group->spec;
        char text[RUN_NAME_MAX + 64];

        if (group->group.members[child->member].met)
                return;
        for (size_t i = 0; i < spec->n_members; i++) {
                struct run *next = group->group.members[i].run;

                if (comes_after(&spec->members[i], child->member) == 0 || group->group.members[i].unmet == 0 ||
                    next->closing)
                        continue;
                (void)snprintf(text, sizeof(text), "%s, which it comes after, ended %s", child->spec->name,
                               outcome_to_string(child->outcome));
                next->reason = strdup(text);
                run_close(next, &(struct close_cause){ .outcome = OUTCOME_NEVER_STARTED, .bound = _BOUND_INVALID });
        }
}

/* ---- ending ---- */

/* Whether one that is at work comes after the member at @index, be it by way of others that are done. */
static bool leads_to_work(const struct run *group, unsigned index) {
        struct member_state *members = group->group.members;

        for (size_t i = 0; i < group->spec->n_members; i++) {
                const struct run *next = members[i].run;

                if (!next || members[i].seen || next->state == RUN_QUEUED ||
                    !comes_after(&group->spec->members[i], index))
                        continue;
                members[i].seen = true;
                if (next->state != RUN_DONE || leads_to_work(group, (unsigned)i))
                        return true;
        }
        return false;
}

static bool built_upon(const struct run *group, const struct run *child) {
        for (size_t i = 0; i < group->spec->n_members; i++)
                group->group.members[i].seen = false;
        return leads_to_work(group, child->member);
}

/* Asks those upon whom none is built any more. */
static void close_free_members(struct run *group) {
        struct run *child;

        list_for_each_entry(child, &group->children, sibling) {
                if (child->state != RUN_DONE && !child->closing && !built_upon(group, child))
                        run_close_child(child, group->group.culprit);
        }
}

static void group_close(struct run *group) {
        struct run *child;

        list_for_each_entry(child, &group->children, sibling) {
                if (child->closing || !built_upon(group, child))
                        run_close_child(child, group->group.culprit);
                else
                        run_hold_back(child, group->group.culprit);
        }
}

static void decide(struct run *group, struct run *child, enum outcome outcome) {
        if (!group->closing && !group->group.culprit)
                group->group.culprit = strdup(child->spec->name);
        run_close(group, &(struct close_cause){ .outcome = outcome, .bound = _BOUND_INVALID });
}

struct tally {
        size_t ok;
        size_t failed;
        size_t other; /* cancelled, skipped or never started */
        size_t live;
        const struct run *first_other; /* of them, before those that only followed from it */
};

static struct tally count(const struct run *group) {
        struct tally tally = { 0 };
        const struct run *child;

        list_for_each_entry(child, &group->children, sibling) {
                if (member_of(group, child)->background)
                        continue;
                if (child->state != RUN_DONE) {
                        tally.live++;
                } else if (child->outcome == OUTCOME_OK) {
                        tally.ok++;
                } else if (outcome_is_failure(child->outcome)) {
                        tally.failed++;
                } else {
                        tally.other++;
                        if (!tally.first_other || (tally.first_other->outcome == OUTCOME_NEVER_STARTED &&
                                                   child->outcome != OUTCOME_NEVER_STARTED))
                                tally.first_other = child;
                }
        }
        return tally;
}

/* Out of reach for good, whatever took it away. Where no failure did, the group's own is the only error. */
static void quorum_missed(struct run *group, struct run *child, const struct tally *tally) {
        char name[RUN_NAME_MAX], text[96];

        (void)snprintf(text, sizeof(text), "quorum is %u, but only %zu can still be ok", group->spec->quorum,
                       tally->ok + tally->live);
        if (tally->failed == 0)
                errors_add(&group->errors, ERROR_MISMATCH, text, run_name(group, name));
        if (!group->reason)
                group->reason = strdup(text);
        decide(group, child, OUTCOME_FAILED);
}

static void apply_policy(struct run *group, struct run *child) {
        struct tally tally = count(group);

        switch (group->spec->policy) {
        case GROUP_ALL:
                if (outcome_is_failure(child->outcome))
                        decide(group, child, OUTCOME_FAILED);
                break;
        case GROUP_FIRST:
                if (tally.ok > 0)
                        decide(group, child, OUTCOME_OK);
                break;
        case GROUP_QUORUM:
                if (tally.ok >= group->spec->quorum)
                        decide(group, child, OUTCOME_OK);
                else if (tally.ok + tally.live < group->spec->quorum)
                        quorum_missed(group, child, &tally);
                break;
        default: break;
        }
}

static enum outcome conclude(struct run *group) {
        struct tally tally = count(group);

        if (tally.failed > 0)
                return OUTCOME_FAILED;
        if (tally.other > 0) {
                char text[RUN_NAME_MAX + 32];

                (void)snprintf(text, sizeof(text), "member %s ended %s", tally.first_other->spec->name,
                               outcome_to_string(tally.first_other->outcome));
                if (!group->reason)
                        group->reason = strdup(text);
                return OUTCOME_CANCELLED;
        }
        return OUTCOME_OK;
}

/* Under `all` one failure is the root cause and leads, whatever those that ended before had to say. */
static bool is_root_cause(const struct run *group, const struct run *child) {
        const char *culprit = group->group.culprit;

        return group->spec->policy == GROUP_ALL && culprit && streq(culprit, child->spec->name);
}

static void collect_errors(struct run *group, const struct run *child) {
        if (member_of(group, child)->background)
                return;
        if (is_root_cause(group, child))
                errors_merge_first(&group->errors, &child->errors);
        else
                errors_merge(&group->errors, &child->errors);
}

/* A group that counts as a service, such as the instances of one, is ready when all its members are. */
static void check_ready(struct run *group) {
        if (!group->ready && run_is_ready(group))
                run_set_ready(group);
}

static void group_child_done(struct run *group, struct run *child) {
        bool background = member_of(group, child)->background;

        if (!background && !group->closing)
                apply_policy(group, child);
        collect_errors(group, child);
        if (child->outcome == OUTCOME_OK) {
                met(group, child);
                check_ready(group);
        } else if (!group->closing) {
                not_met(group, child);
        }
}

static void group_child_ready(struct run *group, struct run *child) {
        met(group, child);
        check_ready(group);
}

/* ---- a place that is taken again ---- */

static bool goes_on(const struct run *group) {
        return !run_is_cancelled(group) && count(group).live > 0;
}

static void forget(struct run *group, const struct run *child) {
        char name[RUN_NAME_MAX];
        size_t n = 0;

        run_name(child, name);
        for (size_t i = 0; i < group->n_results; i++) {
                if (streq(group->results[i]->run, name))
                        result_unref(group->results[i]);
                else
                        group->results[n++] = group->results[i];
        }
        group->n_results = n;
        if (!member_of(group, child)->background)
                errors_unmerge(&group->errors, &child->errors);
}

static void take_place(struct run *group, struct run *child) {
        const struct run_spec *spec = group->spec;
        const struct run_member *member = member_of(group, child);
        struct member_state *members = group->group.members;
        struct member_state *state = &members[child->member];

        *state = (struct member_state){ .run = child };
        for (size_t i = 0; i < member->n_after; i++) {
                const struct member_state *before = &members[member->after[i]];

                state->unmet += !before->met && before->run->state != RUN_DONE;
        }
        for (size_t i = 0; i < spec->n_members; i++)
                if (members[i].unmet > 0 && !members[i].run->closing)
                        members[i].unmet += comes_after(&spec->members[i], child->member);
}

int run_revive(struct run *member, struct run **ret) {
        struct run *group = member->parent;
        struct run *run;

        if (group->role != RUN_GROUP || !member->spec->is_service)
                return -EOPNOTSUPP;
        if (group->tree->stopping)
                return -ESHUTDOWN;
        if (member->state != RUN_DONE || !goes_on(group))
                return -ESTALE;
        run = run_new(group, member_of(group, member)->spec, member->role, 0);
        if (!run)
                return -ENOMEM;
        run->member = member->member;
        list_remove(&run->sibling);
        list_insert_before(&member->sibling, &run->sibling);
        list_remove(&member->sibling);
        forget(group, member);
        run_bury(member);
        take_place(group, run);
        run_set_waiting(run, true);
        run_arm(run);
        if (group->group.members[run->member].unmet == 0)
                run_enqueue(run);
        *ret = run;
        return 0;
}

/* ---- what it is ---- */

static bool same_member(const struct run_member *a, const struct run_member *b) {
        if (!streq(a->spec->name, b->spec->name) || a->background != b->background || a->n_after != b->n_after)
                return false;
        for (size_t i = 0; i < a->n_after; i++)
                if (a->after[i] != b->after[i])
                        return false;
        return true;
}

bool run_same_members(const struct run_spec *a, const struct run_spec *b) {
        if (a->n_members != b->n_members)
                return false;
        for (size_t i = 0; i < a->n_members; i++)
                if (!same_member(&a->members[i], &b->members[i]))
                        return false;
        return true;
}

bool run_group_names(const struct run_spec *group, const char *name) {
        for (size_t i = 0; i < group->n_members; i++)
                if (streq(group->members[i].spec->name, name) || run_group_names(group->members[i].spec, name))
                        return true;
        return false;
}

/* ---- retries ---- */

static bool worth_retrying(const struct run *group, enum outcome outcome) {
        if (group->cancel != CANCEL_NONE || run_is_cancelled(run_above(group)))
                return false;
        if (group->attempts == 0 || group->attempts > group->spec->retries)
                return false;
        return outcome == OUTCOME_FAILED || (outcome == OUTCOME_TIMEOUT && group->bound == BOUND_TIMEOUT);
}

bool group_will_retry(const struct run *run) {
        return run->role == RUN_GROUP && worth_retrying(run, run->outcome);
}

static void retry_later(struct run *group) {
        struct run *child, *tmp;

        list_for_each_entry_safe(child, tmp, &group->children, sibling)
                run_bury(child);
        for (size_t i = 0; i < group->n_results; i++)
                result_unref(group->results[i]);
        group->n_results = 0;
        errors_done(&group->errors);
        free(TAKE_PTR(group->group.members));
        free(TAKE_PTR(group->group.culprit));
        free(TAKE_PTR(group->reason));
        free(TAKE_PTR(group->bound_run));
        group->bound = _BOUND_INVALID;
        group->bounds[BOUND_TIMEOUT] = USEC_INFINITY;
        group->fixed = false;
        group->closing = false;
        group->retry_at_usec =
                usec_add(clock_now(CLOCK_ID_MONOTONIC),
                         retry_delay(group->spec->retry_delay_min_usec, group->spec->retry_delay_max_usec,
                                     group->attempts, &group->tree->random));
        run_arm(group);
}

/* ---- the role ---- */

static void group_settle(struct run *group) {
        enum outcome outcome;

        if (group->retry_at_usec != USEC_INFINITY || (!group->group.members && !group->closing))
                return;
        if (group->n_live > 0) {
                if (group->closing || count(group).live == 0)
                        close_free_members(group);
                return;
        }
        outcome = group->fixed ? group->outcome : conclude(group);
        if (worth_retrying(group, outcome))
                retry_later(group);
        else
                run_finish(group, outcome);
}

static void group_done(struct run *group) {
        free(group->group.members);
        free(group->group.culprit);
        result_unref(group->group.resume);
}

const struct role_ops run_group_ops = {
        .begin = group_begin,
        .child_done = group_child_done,
        .child_ready = group_child_ready,
        .close = group_close,
        .settle = group_settle,
        .retry = group_begin,
        .done = group_done,
};
