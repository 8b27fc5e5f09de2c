/* What the Kerberos library itself needs: CPU time of contexts, and of messages at both levels. */
#include <gssapi/gssapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MESSAGE 65471

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec * 1e3 + u.ru_utime.tv_usec / 1e3 + u.ru_stime.tv_sec * 1e3 + u.ru_stime.tv_usec / 1e3;
}

static void check(OM_uint32 major, const char *what) {
  if (!GSS_ERROR(major)) return;
  fprintf(stderr, "%s failed: %x\n", what, major);
  exit(1);
}

static void establish(gss_name_t target, gss_cred_id_t keys, gss_ctx_id_t *a, gss_ctx_id_t *b) {
  static gss_OID_desc krb5 = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
  OM_uint32 minor;
  gss_buffer_desc first = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, last = GSS_C_EMPTY_BUFFER;
  OM_uint32 flags = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
  *a = *b = GSS_C_NO_CONTEXT;
  check(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, a, target, &krb5, flags, 0, NULL, NULL, NULL, &first, NULL, NULL), "init");
  check(gss_accept_sec_context(&minor, b, keys, &first, NULL, NULL, NULL, &reply, NULL, NULL, NULL), "accept");
  check(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, a, target, &krb5, flags, 0, NULL, &reply, NULL, &last, NULL, NULL), "init");
  gss_release_buffer(&minor, &first);
  gss_release_buffer(&minor, &reply);
  gss_release_buffer(&minor, &last);
}

int main(int argc, char **argv) {
  int megabytes = argc > 1 ? atoi(argv[1]) : 64, contexts = 500, i, level;
  static gss_OID_desc service = {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"};
  gss_buffer_desc name = {14, "rcmd@localhost"};
  gss_name_t target;
  gss_cred_id_t keys;
  gss_ctx_id_t a, b;
  OM_uint32 minor;
  double start;
  check(gss_import_name(&minor, &name, &service, &target), "name");
  check(gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &keys, NULL, NULL), "keys");
  start = cpu();
  for (i = 0; i < contexts; i++) {
    establish(target, keys, &a, &b);
    gss_delete_sec_context(&minor, &a, NULL);
    gss_delete_sec_context(&minor, &b, NULL);
  }
  printf("{\"contextMs\":%.4f", (cpu() - start) / contexts);
  establish(target, keys, &a, &b);
  for (level = 0; level < 2; level++) {
    char *data = calloc(1, MESSAGE);
    double wrapMs = 0, unwrapMs = 0;
    long count = (long)megabytes * 1000000 / MESSAGE;
    for (i = 0; i < count; i++) {
      gss_buffer_desc in = {MESSAGE, data}, token = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
      start = cpu();
      check(gss_wrap(&minor, a, level, GSS_C_QOP_DEFAULT, &in, NULL, &token), "wrap");
      wrapMs += cpu() - start;
      start = cpu();
      check(gss_unwrap(&minor, b, &token, &out, NULL, NULL), "unwrap");
      unwrapMs += cpu() - start;
      gss_release_buffer(&minor, &token);
      gss_release_buffer(&minor, &out);
    }
    printf(",\"%s\":{\"wrapMs\":%.4f,\"unwrapMs\":%.4f}", level ? "confidentiality" : "integrity",
           wrapMs * 1000000 / MESSAGE / count, unwrapMs * 1000000 / MESSAGE / count);
  }
  printf("}\n");
  return 0;
}
