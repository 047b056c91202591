// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// `gen5fs env`: this machine's environment record, and how containers' differ from it.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "complaint.h"
#include "container_file.h"
#include "drift.h"
#include "harmless.h"
#include "json_output.h"
#include "machine.h"
#include "output.h"

static const char help[] =
    "usage: gen5fs env [--python PROGRAM]\n"
    "       gen5fs env --check [--json] [--python PROGRAM] FILE...\n"
    "\n"
    "Prints this machine's environment record, as containers have it in env.json: Python, torch\n"
    "and numpy as the interpreter has them, which are looked up and not imported; CUDA as torch "
    "was\n"
    "built with; the system; NVIDIA's GPUs and their driver, where NVML is installed. Packages "
    "that\n"
    "are not installed are left out, with a note.\n"
    "\n"
    "With --check, each FILE, a container or an env.json, is held against that. Each finding is a\n"
    "line: a component differs, is missing in current system, or is missing in file.\n"
    "\n"
    "  -c, --check           compare the environments of FILE... with this machine's\n"
    "  -j, --json            print one line of JSON for each file: file, drift (each finding with\n"
    "                        component_id, kind, file and system), error. The record\n"
    "                        itself is JSON in any case\n"
    "  -p, --python PROGRAM  the interpreter to ask; python3\n"
    "  -h, --help            print this\n"
    "  --                    what follows are files, whatever they begin with\n"
    "\n"
    "Exit status: 0 printed, or nothing differs; 1 something differs; 2 the interpreter or a file\n"
    "could not be looked at, a file has no environment, or wrong usage.\n";

static const struct argument_switch switches[] = {
    {'c', "check", false},
    {'j', "json", false},
    {'p', "python", true},
    {'h', "help", false},
};

static const struct drift_sides SIDES = {"file", "current system", "file", "system"};

// --- Reading ------------------------------------------------------------------------------------

// A text that begins like JSON is an environment of its own; no container does.
static bool is_document(const struct gen5_source *source) {
    char first = '\0';
    uint64_t at = 0;
    enum gen5_status status;
    do {
        status = gen5_source_read(source, at++, &first, 1, NULL);
    } while (status == GEN5_OK &&
             (first == ' ' || first == '\t' || first == '\r' || first == '\n'));
    return status == GEN5_OK && first == '{';
}

static enum gen5_status read_document(const struct gen5_source *source,
                                      struct gen5_environment *environment,
                                      struct gen5_error *error) {
    struct gen5_limits limits = gen5_limits_default();
    char *text = NULL;
    size_t size = 0;
    enum gen5_status status =
        gen5_source_read_all(source, limits.environment_size_max, &text, &size, error);
    if (status == GEN5_OK) {
        status = gen5_environment_read(text, size, &limits, environment, error);
    }
    free(text);
    return status;
}

static enum gen5_status read_file(const char *path, struct gen5_environment *environment,
                                  struct gen5_error *error) {
    struct gen5_source source = {.fd = -1};
    enum gen5_status status = regular_file_open(path, &source.fd, &source.size, error);
    if (status != GEN5_OK) {
        return status;
    }
    if (is_document(&source)) {
        status = read_document(&source, environment, error);
        close(source.fd);
        return status;
    }
    close(source.fd);
    struct container_file file = CONTAINER_FILE_NONE;
    status = container_file_open(path, &file, error);
    if (status == GEN5_OK) {
        status = environment_of(file.container, environment, error);
        container_file_release(&file);
    }
    return status;
}

// --- Telling ------------------------------------------------------------------------------------

struct findings {
    struct gen5_environment environment; // of the file
    struct gen5_drift *drifts;
    size_t count;
    struct gen5_error error;
};

static void print_findings(const char *path, const struct findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        print_harmless(path);
        fputs(": ", stdout);
        drift_print(&findings->drifts[i], &SIDES);
        putchar('\n');
    }
}

static void print_json(const char *path, const struct findings *findings) {
    struct json_output json = JSON_OUTPUT_START;
    json_open(&json, NULL, '{');
    json_string(&json, "file", path);
    json_open(&json, "drift", '[');
    for (size_t i = 0; i < findings->count; i++) {
        drift_put(&json, &findings->drifts[i], &SIDES);
    }
    json_close(&json, ']');
    if (findings->error.status == GEN5_OK) {
        json_null(&json, "error");
    } else {
        json_string(&json, "error", findings->error.message);
    }
    json_close(&json, '}');
    json_end_line(&json);
}

static int check_file(const char *path, const struct gen5_environment *machine, bool json_wanted) {
    struct findings findings = {.environment = GEN5_ENVIRONMENT_NONE};
    if (read_file(path, &findings.environment, &findings.error) == GEN5_OK) {
        gen5_environment_compare(&findings.environment, machine, &findings.drifts, &findings.count,
                                 &findings.error);
    }
    if (json_wanted) {
        print_json(path, &findings);
    } else {
        print_findings(path, &findings);
    }
    int status = findings.count > 0 ? COMMAND_DIFFERS : COMMAND_DONE;
    if (findings.error.status != GEN5_OK) {
        output_flush();
        complain(path, "%s", findings.error.message);
        status = COMMAND_TROUBLE;
    }
    free(findings.drifts);
    gen5_environment_release(&findings.environment);
    return status;
}

static int check_files(char *const *paths, const struct gen5_environment *machine,
                       bool json_wanted) {
    int status = COMMAND_DONE;
    for (; *paths != NULL; paths++) {
        int checked = check_file(*paths, machine, json_wanted);
        status = checked > status ? checked : status;
    }
    return status;
}

static int print_record(const struct gen5_environment *machine) {
    struct gen5_error error = GEN5_ERROR_NONE;
    char *text = NULL;
    size_t size = 0;
    if (gen5_environment_write(machine, &text, &size, &error) != GEN5_OK) {
        complain("env", "%s", error.message);
        return COMMAND_TROUBLE;
    }
    fwrite(text, 1, size, stdout);
    putchar('\n');
    free(text);
    return COMMAND_DONE;
}

int command_env(char **words) {
    struct arguments arguments;
    struct argument argument;
    enum argument_result result;
    const char *python = MACHINE_PYTHON;
    bool check = false;
    bool json_wanted = false;
    arguments_start(&arguments, "env", switches, sizeof switches / sizeof *switches, words);
    while ((result = arguments_next_switch(&arguments, &argument)) == ARGUMENT_FOUND) {
        switch (argument.given->letter) {
        case 'c':
            check = true;
            break;
        case 'j':
            json_wanted = true;
            break;
        case 'p':
            python = argument.text;
            break;
        default:
            fputs(help, stdout);
            return COMMAND_DONE;
        }
    }
    if (result == ARGUMENT_WRONG) {
        return COMMAND_USAGE;
    }
    if (check != (arguments.operand_count > 0)) {
        complain("env", check ? "FILE is missing; use gen5fs env --check FILE..."
                              : "to compare files, use gen5fs env --check FILE...");
        return COMMAND_USAGE;
    }
    struct gen5_environment machine = GEN5_ENVIRONMENT_NONE;
    int status = COMMAND_TROUBLE;
    if (machine_environment(python, &machine)) {
        status =
            check ? check_files(arguments.operands, &machine, json_wanted) : print_record(&machine);
    }
    gen5_environment_release(&machine);
    return status;
}
