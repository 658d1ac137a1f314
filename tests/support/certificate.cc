#include "tests/support/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "runtime/model/status.h"

namespace omen {
namespace {

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* one) const { Free(one); }
};
void free_bio(BIO* bio) { BIO_free_all(bio); }

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

}  // namespace

Certificate make_certificate(const std::string& host, long from_s, long until_s, KeyKind kind) {
  const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>> key(
      kind == KeyKind::ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(kind == KeyKind::rsa ? 2048 : 1024));
  const std::unique_ptr<X509, Freed<X509, X509_free>> certificate(X509_new());
  OMEN_ASSERT(key != nullptr && certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until_s);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("omen test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  for (const auto& [what, value] :
       {std::pair{NID_subject_alt_name, host}, std::pair{NID_basic_constraints, std::string("critical,CA:TRUE")}}) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    OMEN_ASSERT(extension != nullptr);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  OMEN_ASSERT(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  const std::unique_ptr<BIO, Freed<BIO, free_bio>> out(BIO_new(BIO_s_mem())), secret(BIO_new(BIO_s_mem()));
  OMEN_ASSERT(PEM_write_bio_X509(out.get(), certificate.get()) == 1);
  OMEN_ASSERT(PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {text_of(out.get()), text_of(secret.get())};
}

}  // namespace omen
