import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import okhttp3.Cache;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/**
 * An Android app's HTTP client with its disk cache. Each line of standard input is a URL to read; each line of
 * standard output is what came: status, status of the network's answer or "-", whether the cache had it, body.
 */
public final class OkHttpReader {
  public static void main(String[] arguments) throws IOException {
    OkHttpClient client = new OkHttpClient.Builder()
        .cache(new Cache(new File(arguments[0]), 1 << 20))
        .build();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String url = lines.readLine(); url != null; url = lines.readLine()) {
      System.out.println(read(client, url));
    }
    client.cache().close();
  }

  private static String read(OkHttpClient client, String url) {
    Request request = new Request.Builder()
        .url(url)
        .header("Authorization", "Bearer a.b.c")
        .header("X-Tenant-Id", "7")
        .header("X-Api-Version", "2019/02/08")
        .build();
    try (Response response = client.newCall(request).execute()) {
      Response network = response.networkResponse();
      return response.code() + " " + (network == null ? "-" : network.code()) + " "
          + (response.cacheResponse() == null ? "network" : "cache") + " " + response.body().string();
    } catch (IOException failure) {
      return "failed " + failure.getClass().getSimpleName();
    }
  }
}
