/* SPDX-License-Identifier: MIT */
/* varlink_service: org.varlink.service, by which a client learns what is served here. */
#include "control/descriptions.h"
#include "control/varlink_internal.h"

static int get_info(struct varlink_call *call, _unused_ const json_t *parameters, void *arg) {
        const struct varlink_server *server = arg;
        json_t *names = json_array();

        for (size_t i = 0; i < server->n_served; i++)
                if (json_array_append_new(names, json_string(server->served[i].interface->name)) < 0) {
                        json_decref(names);
                        return -ENOMEM;
                }
        return varlink_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", server->options.vendor, "product",
                                             server->options.product, "version", server->options.version, "url",
                                             server->options.url, "interfaces", names));
}

static int get_interface_description(struct varlink_call *call, const json_t *parameters, void *arg) {
        const struct varlink_server *server = arg;
        const char *name = json_string_value(json_object_get(parameters, "interface"));

        for (size_t i = 0; i < server->n_served; i++)
                if (streq(server->served[i].interface->name, name))
                        return varlink_reply(
                                call, json_pack("{s:s}", "description", server->served[i].interface->description));
        return varlink_error(call, "org.varlink.service.InterfaceNotFound", json_pack("{s:s}", "interface", name));
}

static const struct varlink_field interface_field[] = { { "interface", VARLINK_STRING, false }, { 0 } };

static const struct varlink_method methods[] = {
        { "GetInfo", VARLINK_ROLE_NONE, 0, NULL, get_info },
        { "GetInterfaceDescription", VARLINK_ROLE_NONE, 0, interface_field, get_interface_description },
};

const struct varlink_interface varlink_service_interface = {
        .name = "org.varlink.service",
        .description = description_org_varlink_service,
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
};
